import CRI
import ContainerRuntime
import Linux
import Testing

@Suite struct MendingTests {
    private func pod(_ node: FakeNode) async throws -> (NodeRuntime, String, String) {
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        try await runtime.startContainer(id)
        return (runtime, sandbox, id)
    }

    @Test func theBooksTellWhatTheRecordsTell() async throws {
        let node = try FakeNode()
        let (runtime, sandbox, id) = try await pod(node)
        let books = await runtime.books()
        let known = try #require(books.sandboxes.first)
        #expect(known.id == sandbox && known.isReady && known.addresses == ["10.0.0.7"])
        #expect(known.containers.map(\.id) == [id] && known.containers.allSatisfy(\.isRunning))
        #expect(known.monitor?.answers == true && known.monitor?.unacknowledged.count == 0)
        #expect(try RuntimeBooks(books.json) == books)
        var hooked = books
        hooked.sandboxes[0].containers[0].hookGroup = "/cgroup/hooks"
        #expect(try RuntimeBooks(hooked.json) == hooked)
        await runtime.close()
        var recorded = try RuntimeBooks(recordsIn: node.paths, bootID: "boot-1")
        #expect(recorded.sandboxes.first?.monitor == nil)
        recorded.sandboxes[0].monitor = known.monitor
        #expect(recorded == books)
        #expect(try RuntimeBooks(recordsIn: node.paths, bootID: "boot-2").holding.isEmpty)
    }

    @Test func aDeadMonitorDoesNotAnswer() async throws {
        let node = try FakeNode()
        let (runtime, _, _) = try await pod(node)
        node.monitors.only?.state.withLock { $0.isAlive = false }
        #expect(await runtime.books().sandboxes.first?.monitor?.answers == false)
    }

    @Test func mendingClearsStraysAndLeavesTheLivingAlone() async throws {
        let node = try FakeNode()
        let (runtime, sandbox, id) = try await pod(node)
        let before = try await runtime.leftovers()
        try node.kernel.makeCgroup("/cgroup/swiftlet-test/pods/stray")
        // The parent was another once.
        for path in ["", "/swiftlet-test", "/swiftlet-test/pods", "/swiftlet-test/pods/former"] {
            try node.kernel.makeCgroup("/cgroup/parent" + path)
        }
        try node.kernel.mountSharedMemory(node.paths.state + "/sandboxes/stray/shm", bytes: 64 << 20)
        try WholeFile.makeDirectories(node.paths.data + "/containers/stray/upper")
        node.network.attached.withLock { _ = $0.insert("stray") }
        let survey = try RuntimeInventory(node.paths, kernel: node.kernel)
        #expect(survey.strays(await runtime.books(), node.paths).count == 4)
        try await runtime.mend(stopping: [])
        #expect(try await runtime.leftovers() == before)
        #expect(node.network.attached.withLock { $0 } == [sandbox])
        #expect(try await runtime.containerStatus(id).state == .running)
    }

    @Test func mendingTakesUpAnExitThatNobodyReported() async throws {
        let node = try FakeNode()
        let (runtime, _, id) = try await pod(node)
        // The stream of exits is cut off: the monitor knows of the end and the runtime does not.
        node.monitors.only?.state.withLock { $0.follower = nil }
        node.monitors.only?.end(id, code: 4)
        #expect(try await runtime.containerStatus(id).state == .running)
        let monitor = await runtime.books().sandboxes.first?.monitor
        #expect(monitor?.ended == [id] && monitor?.unacknowledged == .init(count: 1, oldest: 1))
        try await runtime.mend(stopping: [])
        let status = try await runtime.containerStatus(id)
        #expect(status.state == .exited && status.exitCode == 4)
        #expect(node.monitors.only?.unacknowledged == 0)
    }

    @Test func mendingStopsASandboxThatIsNamed() async throws {
        let node = try FakeNode()
        let (runtime, sandbox, id) = try await pod(node)
        try await runtime.mend(stopping: [sandbox])
        #expect(try await runtime.podSandboxStatus(sandbox).state == .notReady)
        #expect(try await runtime.containerStatus(id).state == .exited)
        #expect(node.network.attached.withLock { $0.isEmpty })
    }
}
