import CRI
import Glibc
import Linux
import Synchronization
import TestSupport
import Testing

@testable import ContainerRuntime

/// Sandboxes that are made ready again, and containers that go on from others.
@Suite struct ResumeTests {
    private func ended(_ node: FakeNode, _ runtime: NodeRuntime) async throws -> (sandbox: String, container: String) {
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        try await runtime.stopPodSandbox(sandbox)
        return (sandbox, id)
    }

    private func next(_ id: String) -> ContainerConfig {
        var config = containerConfig(attempt: 1)
        config.predecessor = id
        return config
    }

    @Test func aContainerGoesOnWithTheLayerOfTheOneBefore() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, first) = try await ended(node, runtime)
        #expect(node.network.attached.withLock { $0.isEmpty })
        try await runtime.resumePodSandbox(sandbox, podConfig)
        #expect(try await runtime.podSandboxStatus(sandbox).state == .ready)
        #expect(node.network.attached.withLock { $0 } == [sandbox])
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: next(first), sandboxConfig: podConfig)
        try await runtime.startContainer(second)
        try await runtime.removeContainer(first)
        #expect(node.layers.count == 2, "the first's directory has the layer")
        // The next daemon knows it.
        await runtime.close()
        let after = try await node.open()
        #expect(try await after.containerStatus(second).state == .running)
        #expect(node.layers.count == 2)
        try await after.removePodSandbox(sandbox)
        #expect(try await after.leftovers().isEmpty && node.layers.isEmpty)
    }

    @Test func oneThatCouldNotBeMadeLeavesTheLayer() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, first) = try await ended(node, runtime)
        try await runtime.resumePodSandbox(sandbox, podConfig)
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: next(first), sandboxConfig: podConfig)
        try await runtime.removeContainer(second)
        #expect(node.layers.count == 1)
        #expect(try await runtime.containerStatus(first).state == .exited)
    }

    @Test func whoGoesOnIsOnDiskBeforeTheOneBeforeGoes() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, first) = try await ended(node, runtime)
        try await runtime.resumePodSandbox(sandbox, podConfig)
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: next(first), sandboxConfig: podConfig)
        try await runtime.startContainer(second)
        // No file can take the place of this; one may have been written before.
        let directory = try #require(node.sandboxDirectories.first)
        let record = node.paths.state + "/sandboxes/\(directory)/containers/\(second).json"
        repeat { unlink(record) } while mkdir(record, 0o700) != 0 && errno == EEXIST
        await #expect(throws: CRIError.self) { try await runtime.removeContainer(first) }
        let phases = {
            try RuntimeBooks(recordsIn: node.paths, bootID: "boot-1").sandboxes.flatMap(\.containers).map(\.phase)
        }
        #expect(try await runtime.containerStatus(first).state == .exited)
        #expect(try phases() == ["exited"])
        #expect(rmdir(record) == 0)
        try await runtime.removeContainer(first)
        #expect(try phases() == ["running"])
    }

    @Test func whatCannotBeResumedIsStopped() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, _) = try await ended(node, runtime)
        node.network.failure.withLock { $0 = .failed("no address") }
        await #expect(throws: CRIError.self) { try await runtime.resumePodSandbox(sandbox, podConfig) }
        #expect(try await runtime.podSandboxStatus(sandbox).state == .notReady)
        node.network.failure.withLock { $0 = nil }
        try await runtime.resumePodSandbox(sandbox, podConfig)
        await #expect(throws: CRIError.self) { try await runtime.resumePodSandbox(sandbox, podConfig) }
        #expect(try await runtime.podSandboxStatus(sandbox).state == .ready)
    }

    @Test func whatCanBeNeitherResumedNorStoppedIsStoppedLater() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, _) = try await ended(node, runtime)
        node.network.failure.withLock { $0 = .failed("no address") }
        node.network.hold.withLock { $0 = .failed("in use") }
        await #expect(throws: CRIError.self) { try await runtime.resumePodSandbox(sandbox, podConfig) }
        #expect(try await runtime.podSandboxStatus(sandbox).state == .notReady)
        #expect(await runtime.books().holders == [sandbox])
        node.network.failure.withLock { $0 = nil }
        node.network.hold.withLock { $0 = nil }
        await #expect(throws: CRIError.self) { try await runtime.resumePodSandbox(sandbox, podConfig) }
        try await runtime.stopPodSandbox(sandbox)
        #expect(await runtime.books().holders.isEmpty && node.kernel.state.withLock { $0.mounts.isEmpty })
        try await runtime.resumePodSandbox(sandbox, podConfig)
        #expect(try await runtime.podSandboxStatus(sandbox).state == .ready)
    }

    @Test func whatIsResumedMeanwhileIsNoStray() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, _) = try await ended(node, runtime)
        let cgroup = try #require(await runtime.books().sandboxes.first?.cgroup)
        let left = {
            try node.kernel.makeCgroup("/cgroup/swiftlet-test/left")
            try node.kernel.makeCgroup(cgroup)
            try node.kernel.mountSharedMemory(runtime.paths.sharedMemory(of: sandbox), bytes: 1)
        }
        try left()
        node.kernel.killing.withLock {
            $0 = { [weak runtime] path in
                if path.hasSuffix("/left") { runtime?.change(sandbox: sandbox) { $0.record.phase = .resuming } }
            }
        }
        try await runtime.mend(stopping: [])
        let kept = node.kernel.state.withLock { ($0.cgroups, $0.mounts.count) }
        #expect(kept.0.contains(cgroup) && kept.1 == 1 && !kept.0.contains("/cgroup/swiftlet-test/left"))
        node.kernel.killing.withLock { $0 = nil }
        runtime.change(sandbox: sandbox) { $0.record.phase = .notReady }
        try await runtime.mend(stopping: [])
        let after = node.kernel.state.withLock { ($0.cgroups, $0.mounts.count) }
        #expect(!after.0.contains(cgroup) && after.1 == 0)
    }

    @Test func theHooksOfAnEndComeBeforeWhatIsStartedNext() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, first) = try await ended(node, runtime)
        runtime.change(container: first) {
            $0.hostHooks = [HostHook(station: .poststop, name: "h", path: "/end", arguments: [], environment: [])]
        }
        try await runtime.resumePodSandbox(sandbox, podConfig)
        #expect(node.kernel.hooks.withLock { $0 } == ["/end"])
        let second = try await runtime.createContainer(
            sandbox: sandbox, config: next(first), sandboxConfig: podConfig)
        try await runtime.startContainer(second)
        try await runtime.removeContainer(first)
        #expect(node.kernel.hooks.withLock { $0 } == ["/end"])
    }

    /// What the node was when the daemon was killed.
    private struct Moment: Sendable {
        var record: [UInt8]
        var kernel: FakeKernel.State
        var attached: Set<String>
    }

    @Test(arguments: [
        RuntimePoint.sandboxRecorded, .sandboxGrouped, .sharedMemoryMounted, .monitorSpawned, .sandboxAttached,
        .sandboxReady,
    ])
    func whatADaemonWasMakingReadyIsStoppedByTheNext(point: RuntimePoint) async throws {
        let node = try FakeNode()
        let moment = Mutex<Moment?>(nil)
        let record = { @Sendable in "\(node.paths.state)/sandboxes/\(node.sandboxDirectories.first ?? "")/sandbox.json"
        }
        let before = try await node.open { reached in
            guard reached == point, let bytes = try? WholeFile.read(record()) else { return }
            let now = Moment(
                record: bytes, kernel: node.kernel.state.withLock { $0 },
                attached: node.network.attached.withLock { $0 })
            moment.withLock { $0 = now }
        }
        let (sandbox, first) = try await ended(node, before)
        try await before.resumePodSandbox(sandbox, podConfig)
        await before.close()
        // As if it had come no further.
        let then = try #require(moment.withLock { $0 })
        #expect(String(decoding: then.record, as: UTF8.self).contains("resuming") == (point != .sandboxReady))
        try WholeFile.replace(record(), with: then.record, durable: false)
        node.kernel.state.withLock { $0 = then.kernel }
        node.network.attached.withLock { $0 = then.attached }
        let after = try await node.open()
        #expect(try await after.containerStatus(first).state == .exited && node.layers.count == 1)
        if point == .sandboxReady {
            #expect(try await after.podSandboxStatus(sandbox).state == .ready)
            try await after.stopPodSandbox(sandbox)
        }
        #expect(try await after.podSandboxStatus(sandbox).state == .notReady)
        #expect(node.kernel.state.withLock { $0.mounts.isEmpty } && node.network.attached.withLock { $0.isEmpty })
        try await after.resumePodSandbox(sandbox, podConfig)
        #expect(try await after.podSandboxStatus(sandbox).state == .ready)
        try await after.removePodSandbox(sandbox)
        #expect(try await after.leftovers().isEmpty && node.layers.isEmpty)
    }

    @Test func marksOutliveADaemon() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let (sandbox, _) = try await ended(node, runtime)
        try await runtime.mark(sandbox: sandbox, ["a": "1"])
        try await runtime.resumePodSandbox(sandbox, podConfig)
        try await runtime.mark(sandbox: sandbox, ["b": "2"])
        await runtime.close()
        let labels = try await node.open().podSandboxStatus(sandbox).labels
        #expect(labels["a"] == "1" && labels["b"] == "2")
    }
}
