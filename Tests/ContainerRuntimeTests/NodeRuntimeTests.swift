import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import TestSupport
import Testing

@Suite struct NodeRuntimeTests {
    @Test func runsAPodToItsEnd() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        var events = runtime.containerEvents().makeAsyncIterator()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let status = try await runtime.podSandboxStatus(sandbox)
        #expect(status.state == .ready && status.addresses == ["10.0.0.7"])
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        #expect(try await runtime.containerStatus(id).state == .created)
        try await runtime.startContainer(id)
        #expect(try await runtime.containerStatus(id).state == .running)
        node.monitors.only?.end(id, code: 3)
        var kinds: [ContainerEvent.Kind] = []
        while kinds.count < 5, let event = await events.next() { kinds.append(event.kind) }
        #expect(kinds == [.created, .started, .created, .started, .stopped])
        let ended = try await runtime.containerStatus(id)
        #expect(ended.state == .exited && ended.exitCode == 3 && ended.reason == "Error" && ended.startedAt > 0)
        try await runtime.removePodSandbox(sandbox)
        #expect(try await runtime.listContainers(ContainerFilter()).isEmpty)
        #expect(node.sandboxDirectories.isEmpty && node.layers.isEmpty)
        #expect(node.network.attached.withLock { $0.isEmpty })
        #expect(try await runtime.leftovers().isEmpty)
        let steps = node.steps.steps.withLock { $0.map(\.name) }
        #expect(steps.contains("sandbox.network") && steps.contains("container.start"))
    }

    @Test func whatCannotBeMeasuredIsSaidOnce() async throws {
        let node = try FakeNode()
        let log = KeptWords()
        let runtime = try await node.open(log)
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        #expect(try await runtime.writableLayer(of: id).usedInodes > 0)
        #expect(log.words.value.withLock { $0.isEmpty })
        var place = try Descriptor.open("\(node.paths.data)/containers/\(id)", O_RDONLY | O_DIRECTORY)
        let name = FilePath(String(repeating: "n", count: 200))
        for _ in 0..<25 {
            #expect(mkdirat(place.raw, name.cString, 0o755) == 0)
            place = Descriptor(owning: openat(place.raw, name.cString, O_RDONLY | O_DIRECTORY))
        }
        for _ in 0..<3 { await #expect(throws: CRIError.self) { try await runtime.writableLayer(of: id) } }
        let said = log.words.value.withLock { $0 }
        #expect(said.count == 1 && said.first?.contains("no limit of storage is held") == true)
    }

    @Test func aCapabilityThatIsNoneIsNamedWithItsContainer() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.security.addCapabilities = ["FOO"]
        let wanted = config
        let error = await #expect(throws: CRIError.self) {
            try await runtime.createContainer(sandbox: sandbox, config: wanted, sandboxConfig: podConfig)
        }
        #expect(error == .invalid("container \(config.metadata.name): capability \"FOO\" is not known"))
        #expect(node.layers.isEmpty)
    }

    @Test func usersOfItsOwnAndTheNodesNamespacesExcludeEachOther() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let range = PodUsers.Range(first: 65_536, count: 65_536)
        var config = podConfig
        config.users = PodUsers(users: range, groups: range)
        for share in [\PodSandboxConfig.network, \.ipc, \.pid] {
            var shared = config
            shared[keyPath: share] = .node
            await #expect(throws: CRIError.self) { try await runtime.runPodSandbox(shared) }
        }
        let sandbox = try await runtime.runPodSandbox(config)
        #expect(try await runtime.podSandboxStatus(sandbox).users == config.users)
        var container = containerConfig()
        container.mounts = [CRI.Mount(hostPath: "/tmp", containerPath: "/v", propagation: .bidirectional)]
        await #expect(throws: CRIError.self, "what it mounts would show on the node") {
            try await runtime.createContainer(sandbox: sandbox, config: container, sandboxConfig: config)
        }
        container.mounts[0].propagation = .private
        container.mounts[0].users = PodUsers(users: range, groups: .init(first: 1, count: 65_536))
        await #expect(throws: CRIError.self, "another map than the pod's") {
            try await runtime.createContainer(sandbox: sandbox, config: container, sandboxConfig: config)
        }
        container.mounts[0].users = config.users
        _ = try await runtime.createContainer(sandbox: sandbox, config: container, sandboxConfig: config)
    }

    @Test func aKernelThatCannotMapSaysSo() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.obstacle = KernelError("map the ids of files on", "tmpfs", EINVAL) }
        let runtime = try await node.open()
        #expect(try await !runtime.status().hasUserNamespaces)
        var config = podConfig
        config.users = PodUsers(users: .init(first: 1, count: 65_536), groups: .init(first: 1, count: 65_536))
        do throws(CRIError) {
            _ = try await runtime.runPodSandbox(config)
            Issue.record("it was made")
        } catch {
            #expect(error.description.contains(config.metadata.name) && error.description.contains("tmpfs"))
        }
    }

    /// Want of memory at one moment says nothing of the next; what the kernel can or cannot it is asked once.
    @Test func anObstacleToMappingThatPassesIsNotRemembered() async throws {
        let node = try FakeNode()
        func meet(_ code: Int32?) {
            node.kernel.state.withLock { $0.obstacle = code.map { KernelError("map the ids of files on", "/d", $0) } }
        }
        let runtime = try await node.open()
        for code in [ENOMEM, EMFILE, ENOSPC] {
            meet(code)
            #expect(try await !runtime.status().hasUserNamespaces)
        }
        meet(nil)
        #expect(try await runtime.status().hasUserNamespaces)
        meet(EINVAL)
        #expect(try await runtime.status().hasUserNamespaces)
        let old = try FakeNode()
        old.kernel.state.withLock { $0.obstacle = KernelError("map the ids of files on", "/d", EINVAL) }
        let other = try await old.open()
        #expect(try await !other.status().hasUserNamespaces)
        old.kernel.state.withLock { $0.obstacle = nil }
        #expect(try await !other.status().hasUserNamespaces)
    }

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

    @Test func aFailedStartIsTheContainersOwn() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        node.monitors.only?.state.withLock {
            $0.startError = .launch(id: id, stage: .exec, code: ENOENT, detail: "/nope")
        }
        await #expect(throws: CRIError.self) { try await runtime.startContainer(id) }
        let status = try await runtime.containerStatus(id)
        #expect(status.state == .exited && status.exitCode == 127)
        #expect(status.reason == "StartError" || status.reason == "Error")
    }

    /// It may have run, and must not run twice.
    @Test func aStartThatLostItsMonitorIsAnEnd() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        node.monitors.only?.state.withLock { $0.startError = .monitorGone(pod: "p") }
        let refusal = CRIError.startFailed(message: "the pod's monitor died as the container started", exitCode: 137)
        await #expect(throws: refusal) { try await runtime.startContainer(id) }
        let status = try await runtime.containerStatus(id)
        #expect(status.state == .exited && status.exitCode == 137)
    }

    @Test func whatCannotBeMadeLeavesNothing() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        node.network.failure.withLock { $0 = .failed("no address left") }
        await #expect(throws: CRIError.failed("no address left")) { try await runtime.runPodSandbox(podConfig) }
        #expect(try await runtime.leftovers().isEmpty)
        node.network.failure.withLock { $0 = nil }
        node.kernel.state.withLock { $0.mountError = KernelError("mount", "shm", ENOMEM) }
        await #expect(throws: CRIError.self) { try await runtime.runPodSandbox(podConfig) }
        #expect(try await runtime.leftovers().isEmpty)
        #expect(node.monitors.all.allSatisfy { pod in !pod.state.withLock { $0.isAlive } })
        node.kernel.state.withLock { $0.mountError = nil }
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let pod = node.monitors.all.first { $0.state.withLock { $0.isAlive } }
        pod?.state.withLock { $0.createError = .launch(id: "x", stage: .mountSource, code: ENOENT, detail: "/gone") }
        do {
            _ = try await runtime.createContainer(sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
            Issue.record("a container was made without its mount source")
        } catch {
            #expect(error.description.contains("/gone does not exist on this node; create it, or correct the volume"))
        }
        #expect(node.layers.isEmpty)
        #expect(try await runtime.listContainers(ContainerFilter()).isEmpty)
        try await runtime.images.removeImage("test")
    }

    @Test func limitsThatTheNodeCannotHoldAreTold() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.controllers = ["pids"] }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.resources.memoryLimit = 64 << 20
        config.resources.processLimit = 10
        let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        let warnings = try await runtime.containerStatus(id).warnings
        #expect(warnings.count == 1 && warnings.first?.contains("memory limit 64Mi") == true)
        #expect(node.kernel.state.withLock { $0.values.filter { $0.key.hasSuffix("pids.max") } }.values.first == "10")
        await #expect(throws: CRIError.self) { try await runtime.updateContainerResources(id, config.resources) }
    }

    @Test func anUpdateChangesWhatItNames() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.resources.memoryLimit = 64 << 20
        config.resources.cpuLimit = 500
        config.resources.oomScoreAdjustment = 7
        let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        var update = ContainerResources()
        update.cpuLimit = -1
        update.oomScoreAdjustment = 0
        update.unified = ["memory.high": "1000"]
        try await runtime.updateContainerResources(id, update)
        var expected = config.resources
        expected.cpuLimit = -1
        expected.unified = update.unified
        #expect(try await runtime.containerStatus(id).resources == expected)
        func written(_ file: String) -> [String] {
            node.kernel.state.withLock { $0.values.filter { $0.key.hasSuffix("/" + file) }.map(\.value) }
        }
        #expect(written("cpu.max") == ["max"] && written("memory.high") == ["1000"])
        update.unified = ["memory.x/../y": "1"]
        await #expect(throws: CRIError.self) { try await runtime.updateContainerResources(id, update) }
    }

    @Test func anothersCgroupHoldsThePod() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        var pod = podConfig
        pod.cgroupParent = "/kubepods/pod1"
        pod.resources.memoryLimit = 64 << 20
        let sandbox = try await runtime.runPodSandbox(pod)
        #expect(node.kernel.state.withLock { $0.cgroups.contains { $0.contains("/kubepods/pod1/") } })
        #expect(node.kernel.state.withLock { $0.values.filter { $0.key.hasSuffix("memory.max") } }.isEmpty)
        node.kernel.state.withLock { $0.passedOn = "memory pids\n" }
        var config = containerConfig()
        config.resources.memoryLimit = 32 << 20
        config.resources.cpuLimit = 500
        let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: pod)
        let warnings = try await runtime.containerStatus(id).warnings
        #expect(warnings.count == 1 && warnings.first?.contains("CPU limit 500m") == true)
    }

    @Test func aNetworkThatIsNotInOrderIsTold() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        func network() async throws -> RuntimeStatus.Condition? {
            try await runtime.status().conditions.first { $0.type == "NetworkReady" }
        }
        #expect(try await network()?.isTrue == true)
        node.network.failure.withLock { $0 = .failed("no link") }
        #expect(try await network()?.isTrue == false)
        #expect(try await network()?.message.contains("no link") == true)
    }

    /// A probe must not count as the container's failure that the host has no process for the command.
    @Test(arguments: [
        (LaunchStage.clone, EAGAIN, true), (.clone, ENOMEM, true), (.exec, EAGAIN, false), (.exec, ENOENT, false),
    ])
    func anExecThatTheHostCannotDo(_ stage: LaunchStage, _ code: Int32, _ isOfHost: Bool) async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        node.monitors.only?.state.withLock {
            $0.execError = .launch(id: "s", stage: stage, code: code, detail: nil)
        }
        let error = await #expect(throws: CRIError.self) {
            try await runtime.execSync(container: id, command: ["true"], timeout: .seconds(1), outputLimit: 10)
        }
        if case .failed = error { #expect(isOfHost) } else { #expect(!isOfHost) }
    }

    @Test func execReportsCodesAndTimeouts() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        await #expect(throws: CRIError.self) {
            try await runtime.execSync(container: id, command: ["true"], timeout: .seconds(1), outputLimit: 10)
        }
        try await runtime.startContainer(id)
        let failed = try await runtime.execSync(container: id, command: ["false"], timeout: .zero, outputLimit: 10)
        #expect(failed.exitCode == 1)
        do {
            async let timeout: Void = node.time.fire(.seconds(7))
            _ = try await runtime.execSync(container: id, command: ["sleep"], timeout: .seconds(7), outputLimit: 10)
            try await timeout
            Issue.record("a command without end ended")
        } catch {
            guard case .timedOut? = error as? CRIError else {
                Issue.record("\(error)")
                return
            }
        }
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

    @Test func refusesASecondSandboxOfTheSameAttempt() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let first = try await runtime.runPodSandbox(podConfig)
        await #expect(throws: CRIError.self) { try await runtime.runPodSandbox(podConfig) }
        try await runtime.stopPodSandbox(first)
        let second = try await runtime.runPodSandbox(podConfig)
        #expect(second != first)
    }

    @Test func aContainerNobodyLearnedOfGivesWay() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let lost = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        #expect(try await runtime.listContainers(ContainerFilter()).map(\.id) == [second])
        #expect(lost != second && node.layers == [second])
        try await runtime.startContainer(second)
        await #expect(throws: CRIError.self) {
            try await runtime.createContainer(sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        }
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
