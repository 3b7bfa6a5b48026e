import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import TestSupport
import Testing

/// How containers and pods end.
@Suite struct NodeRuntimeEndTests {
    @Test func stopSendsTheSignalAndThenKills() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.stopSignal = "SIGQUIT"
        let polite = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        try await runtime.startContainer(polite)
        try await runtime.stopContainer(polite, timeout: .seconds(30))
        #expect(try await runtime.containerStatus(polite).exitCode == 128 + SIGQUIT)
        let deaf = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(attempt: 1), sandboxConfig: podConfig)
        try await runtime.startContainer(deaf)
        node.monitors.only?.state.withLock { $0.ignoredSignals = [SIGTERM] }
        async let grace: Void = node.time.fire(.seconds(30))
        try await runtime.stopContainer(deaf, timeout: .seconds(30))
        try await grace
        #expect(try await runtime.containerStatus(deaf).exitCode == 137)
        // What is stopped or gone stops again.
        try await runtime.stopContainer(deaf, timeout: .seconds(30))
        try await runtime.stopContainer("nobody", timeout: .zero)
        try await runtime.removeContainer("nobody")
    }

    private func running(_ node: FakeNode, ignoring signals: Set<Int32>) async throws -> (NodeRuntime, String) {
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        node.monitors.only?.state.withLock { $0.ignoredSignals = signals }
        return (runtime, id)
    }

    /// The daemon ends, or a client does not wait any more.
    @Test func aStopThatIsCancelledLeavesTheContainerItsGrace() async throws {
        let node = try FakeNode()
        let (runtime, id) = try await running(node, ignoring: [SIGTERM])
        let pod = try #require(node.monitors.only)
        let stop = Task { try await runtime.stopContainer(id, timeout: .seconds(60)) }
        try await until { pod.state.withLock { $0.signals } == [SIGTERM] }
        stop.cancel()
        let failure = await #expect(throws: CRIError.self) { try await stop.value }
        #expect(failure?.description.contains("given up") == true)
        #expect(try await runtime.containerStatus(id).state == .running)
        #expect(pod.state.withLock { $0.containers[id]?.state } == .running)
        // The next daemon goes on with it.
        await runtime.close()
        let next = try await node.open()
        async let grace: Void = node.time.fire(.seconds(60))
        try await next.stopContainer(id, timeout: .seconds(60))
        try await grace
        let ended = try await next.containerStatus(id)
        #expect(ended.exitCode == 137 && ended.message.isEmpty)
    }

    @Test func aStopThatIsCancelledBeforeItBeginsSendsNothing() async throws {
        let node = try FakeNode()
        let (runtime, id) = try await running(node, ignoring: [])
        let stop = Task {
            while !Task.isCancelled { await Task.yield() }
            try await runtime.stopContainer(id, timeout: .seconds(60))
        }
        stop.cancel()
        await #expect(throws: CRIError.self) { try await stop.value }
        #expect(node.monitors.only?.state.withLock { $0.signals } == [])
        #expect(try await runtime.containerStatus(id).state == .running)
    }

    @Test func aStopThatTheRuntimesEndOvertookKillsNothing() async throws {
        let node = try FakeNode()
        let (runtime, id) = try await running(node, ignoring: [SIGTERM])
        let pod = try #require(node.monitors.only)
        let stop = Task { try await runtime.stopContainer(id, timeout: .seconds(60)) }
        try await until { pod.state.withLock { $0.signals } == [SIGTERM] }
        await runtime.close()
        async let grace: Void = node.time.fire(.seconds(60))
        await #expect(throws: CRIError.self) { try await stop.value }
        try await grace
        await #expect(throws: CRIError.self) { try await runtime.stopContainer(id, timeout: .seconds(60)) }
        #expect(pod.state.withLock { $0.containers[id]?.state } == .running)
    }

    /// An order to kill needs nobody who waits, and its end is told as it was.
    @Test func aKillIsCarriedOutAlsoWhereItIsCancelled() async throws {
        let node = try FakeNode()
        let (runtime, id) = try await running(node, ignoring: [SIGTERM])
        let kill = Task {
            while !Task.isCancelled { await Task.yield() }
            try await runtime.stopContainer(id, timeout: .zero)
        }
        kill.cancel()
        try await kill.value
        let ended = try await runtime.containerStatus(id)
        #expect(ended.state == .exited && ended.exitCode == 137 && ended.message.isEmpty, "\(ended)")
    }

    /// Killed between its creation and its start, it is forgotten by its monitor as a launch that was lost.
    @Test func aContainerThatItsMonitorForgotIsRemovedAtOnce() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        node.monitors.only?.state.withLock { _ = $0.containers.removeValue(forKey: id) }
        try await runtime.removeContainer(id)
        #expect(try await runtime.listContainers(ContainerFilter()).isEmpty)
        #expect(node.layers.isEmpty)
    }

    @Test func aDeadMonitorEndsItsPod() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        var events = runtime.containerEvents().makeAsyncIterator()
        node.monitors.only?.die()
        var ended: Set<String> = []
        while ended.count < 2, let event = await events.next() {
            if event.kind == .stopped { ended.insert(event.container) }
        }
        #expect(ended == [id, sandbox])
        #expect(try await runtime.podSandboxStatus(sandbox).state == .notReady)
        #expect(try await runtime.containerStatus(id).state == .exited)
        #expect(node.network.attached.withLock { $0.isEmpty })
    }

    @Test func nothingIsLaunchedOnceAStopHasBegun() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let pod = try #require(node.monitors.only)
        let gate = FakeGate()
        pod.state.withLock { $0.gate = gate }
        var configs = [containerConfig(), containerConfig()]
        configs[1].metadata.name = "second"
        let launches = configs.map { config in
            Task { try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig) }
        }
        await gate.reached()
        let stop = Task { try await runtime.stopPodSandbox(sandbox) }
        // The monitor knows nothing yet of the one that is on its way.
        try await node.time.fire(.milliseconds(10))
        gate.open()
        let later = Task { for pause in [20, 40, 80, 160] { try await node.time.fire(.milliseconds(pause)) } }
        try await stop.value
        later.cancel()
        var failures: [String] = []
        for launch in launches {
            do { _ = try await launch.value } catch { failures.append("\(error)") }
        }
        #expect(failures.count == 1 && failures[0].contains("is being stopped"), "\(failures)")
        #expect(pod.state.withLock { $0.launches.count } == 1)
        await #expect(throws: CRIError.self) {
            try await runtime.createContainer(sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        }
    }

    @Test func aMonitorThatHangsHoldsUpItsPodOnly() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let gate = FakeGate()
        node.monitors.only?.state.withLock { $0.gate = gate }
        async let limit: Void = node.time.fire(.seconds(120))
        do {
            _ = try await runtime.createContainer(
                sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
            Issue.record("a container was made by a monitor that hangs")
        } catch {
            #expect(error.description.contains("timed out"))
        }
        try await limit
        try await runtime.removePodSandbox(sandbox)
        #expect(try await runtime.leftovers().isEmpty)
        gate.open()
    }

    @Test func anExitIsAcknowledgedOnlyWhenItIsOnDisk() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let first = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig("a"), sandboxConfig: podConfig)
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig("b"), sandboxConfig: podConfig)
        try await runtime.startContainer(first)
        try await runtime.startContainer(second)
        let directory = try #require(node.sandboxDirectories.first)
        // Not on disk before, so that the obstacle, which no file can take the place of, meets the exit's write.
        let record = node.paths.state + "/sandboxes/\(directory)/containers/\(first).json"
        let text = { String(decoding: (try? WholeFile.read(record)) ?? [], as: UTF8.self) }
        try await until { text().contains("\"running\"") }
        // The record of its creation may be written after that of its start.
        repeat { unlink(record) } while mkdir(record, 0o700) != 0 && errno == EEXIST
        let pod = try #require(node.monitors.only)
        pod.end(first, code: 3)
        try await until { try await runtime.containerStatus(first).state == .exited }
        for _ in 0..<1_000 { await Task.yield() }
        #expect(pod.unacknowledged == 1 && !text().contains("\"exited\""))
        #expect(rmdir(record) == 0)
        pod.end(second, code: 0)
        try await until { pod.unacknowledged == 0 }
        #expect(text().contains("\"exited\""))
    }
}
