import CRI
import ContainerRuntime
import Glibc
import Linux
import TestSupport
import Testing

@Suite struct RecoveryTests {
    private func pod(_ node: FakeNode, running names: [String]) async throws -> (NodeRuntime, String, [String]) {
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var ids: [String] = []
        for name in names {
            let id = try await runtime.createContainer(
                sandbox: sandbox, config: containerConfig(name), sandboxConfig: podConfig)
            try await runtime.startContainer(id)
            ids.append(id)
        }
        return (runtime, sandbox, ids)
    }

    @Test func adoptsWhatRuns() async throws {
        let node = try FakeNode()
        let (before, sandbox, ids) = try await pod(node, running: ["a", "b"])
        let status = try await before.podSandboxStatus(sandbox)
        let statuses = try await before.listContainers(ContainerFilter())
        await before.close()
        let after = try await node.open()
        #expect(try await after.podSandboxStatus(sandbox) == status)
        #expect(try await after.listContainers(ContainerFilter()) == statuses)
        let result = try await after.execSync(container: ids[0], command: ["true"], timeout: .zero, outputLimit: 1)
        #expect(result.exitCode == 0)
        await #expect(throws: CRIError.self) { try await after.images.removeImage("test") }
        try await after.removePodSandbox(sandbox)
        #expect(try await after.leftovers().isEmpty)
    }

    @Test func aLayerStaysWithWhoRunsOnItAfterARestart() async throws {
        let node = try FakeNode()
        let (before, sandbox, _) = try await pod(node, running: ["a"])
        // The same layer, with nothing to run.
        _ = try await before.images.add(name: "twin", path: node.directory + "/rootfs")
        try await before.images.removeImage("test", isForced: true)
        await before.close()
        let after = try await node.open()
        try await after.images.removeImage("twin")
        #expect(try OpenDirectory(node.paths.data + "/images/retired").names().count == 1)
        try await after.removePodSandbox(sandbox)
        _ = try await after.images.prune(all: true)
        #expect(try OpenDirectory(node.paths.data + "/images/retired").names().isEmpty)
    }

    @Test func whatADaemonLeftHalfWrittenGoes() async throws {
        let node = try FakeNode()
        let (before, sandbox, ids) = try await pod(node, running: ["a"])
        await before.close()
        let directory = "\(node.paths.state)/sandboxes/\(sandbox.prefix(20))"
        // No process has a number above 2^22.
        let left = ["\(directory)/sandbox.json", "\(directory)/containers/\(ids[0]).json"].map { $0 + ".new-4194400-7" }
        for path in left { try WholeFile.replace(path, with: [], durable: false) }
        let after = try await node.open()
        #expect(left.allSatisfy { access($0, F_OK) != 0 })
        #expect(try await after.containerStatus(ids[0]).state == .running)
    }

    @Test func exitsThatNobodySawAreNotLost() async throws {
        let node = try FakeNode()
        let (before, _, ids) = try await pod(node, running: ["a", "b"])
        let monitor = try #require(node.monitors.only)
        await before.close()
        monitor.end(ids[0], code: 9)
        monitor.end(ids[1], code: 0, outOfMemory: true)
        let after = try await node.open()
        #expect(try await after.containerStatus(ids[0]).exitCode == 9)
        #expect(try await after.containerStatus(ids[1]).reason == "OOMKilled")
        try await until { monitor.unacknowledged == 0 }
    }

    @Test func aMonitorThatDiedTakesItsPodAlong() async throws {
        let node = try FakeNode()
        let (before, sandbox, ids) = try await pod(node, running: ["a"])
        await before.close()
        node.monitors.only?.state.withLock { $0.isAlive = false }
        let after = try await node.open()
        #expect(try await after.podSandboxStatus(sandbox).state == .notReady)
        let status = try await after.containerStatus(ids[0])
        #expect(status.state == .exited && status.exitCode == 137 && !status.message.isEmpty)
        #expect(node.kernel.state.withLock { $0.mounts.isEmpty })
        #expect(node.network.attached.withLock { $0.isEmpty })
        try await after.removePodSandbox(sandbox)
        #expect(try await after.leftovers().isEmpty)
    }

    /// A daemon that starts while the monitor of a pod with these containers is stopped.
    private func silent(
        _ node: FakeNode, running names: [String]
    ) async throws -> (NodeRuntime, String, [String], FakeGate) {
        let (before, sandbox, ids) = try await pod(node, running: names)
        await before.close()
        let gate = FakeGate()
        node.monitors.silence.withLock { $0 = gate }
        async let isLate: Void = node.time.fire(NodeRuntime.silence)
        let after = try await node.open()
        try await isLate
        return (after, sandbox, ids, gate)
    }

    @Test func aStopThatIsCancelledBeforeASilentMonitorAnswersKillsNothing() async throws {
        let node = try FakeNode()
        let (after, _, ids, gate) = try await silent(node, running: ["a"])
        let stop = Task {
            while !Task.isCancelled { await Task.yield() }
            try await after.stopContainer(ids[0], timeout: .seconds(60))
        }
        stop.cancel()
        await #expect(throws: CRIError.self) { try await stop.value }
        #expect(try await after.containerStatus(ids[0]).state == .running)
        gate.open()
        try await until { await after.books().sandboxes.first?.monitor?.answers == true }
        #expect(try await after.containerStatus(ids[0]).state == .running)
    }

    @Test func aSilentMonitorKeepsItsPodAndIsTakenUpWhenItAnswers() async throws {
        let node = try FakeNode()
        let (after, sandbox, ids, gate) = try await silent(node, running: ["a", "b"])
        #expect(try await after.podSandboxStatus(sandbox).state == .ready)
        #expect(try await after.containerStatus(ids[0]).state == .running)
        let refusal = await #expect(throws: CRIError.self) {
            try await after.execSync(container: ids[0], command: ["true"], timeout: .zero, outputLimit: 1)
        }
        #expect(refusal?.description.contains("has not answered") == true)
        #expect(await after.books().sandboxes.map { $0.monitor?.answers } == [false])
        node.monitors.only?.end(ids[1], code: 9)
        gate.open()
        try await until { await after.books().sandboxes.first?.monitor?.answers == true }
        try await until { try await after.containerStatus(ids[1]).state != .running }
        #expect(try await after.containerStatus(ids[1]).exitCode == 9)
        #expect(try await after.containerStatus(ids[0]).state == .running)
        let result = try await after.execSync(container: ids[0], command: ["true"], timeout: .zero, outputLimit: 1)
        #expect(result.exitCode == 0)
    }

    @Test func aPodCanBeEndedWithoutItsMonitor() async throws {
        let node = try FakeNode()
        let (after, sandbox, ids, gate) = try await silent(node, running: ["a"])
        async let isOver: Void = node.time.fire(.seconds(30))
        try await after.stopContainer(ids[0], timeout: .seconds(30))
        try await isOver
        let status = try await after.containerStatus(ids[0])
        #expect(status.state == .exited && status.exitCode == 137 && status.message.contains("did not answer"))
        try await after.removePodSandbox(sandbox)
        gate.open()
        #expect(try await after.leftovers().isEmpty)
    }

    @Test func nothingRunsAfterAReboot() async throws {
        let node = try FakeNode()
        let (before, sandbox, ids) = try await pod(node, running: ["a"])
        await before.close()
        node.kernel.state.withLock { $0.boot = "boot-2" }
        let after = try await node.open()
        #expect(try await after.podSandboxStatus(sandbox).state == .notReady)
        #expect(try await after.containerStatus(ids[0]).exitCode == 255)
    }

    @Test func clearsAwayWhatBelongsToNobody() async throws {
        let node = try FakeNode()
        _ = try await node.open()
        try WholeFile.makeDirectories(node.paths.state + "/sandboxes/half-made/containers")
        try WholeFile.makeDirectories(node.paths.data + "/containers/stray/upper")
        try WholeFile.makeDirectories(node.paths.data + "/images/staging/half")
        for name in ["stray", "burstable/stray", "besteffort/stray"] {
            try node.kernel.makeCgroup("/cgroup/swiftlet-test/pods/" + name)
        }
        try node.kernel.mountSharedMemory(node.paths.state + "/sandboxes/half-made/shm", bytes: 64 << 20)
        node.network.attached.withLock { _ = $0.insert("stray") }
        let after = try await node.open()
        #expect(try await after.leftovers().isEmpty)
        #expect(!node.kernel.state.withLock { $0.cgroups.contains { $0.contains("stray") } })
        #expect(node.network.attached.withLock { $0.isEmpty })
        #expect(try OpenDirectory(node.paths.data + "/images/staging").names().isEmpty)
    }

    @Test func theGroupUnderAFormerParentGoesOnceItIsEmpty() async throws {
        let node = try FakeNode()
        try node.kernel.makeCgroup("/cgroup/old")
        node.cgroupParent.withLock { $0 = "/cgroup/old" }
        let (before, sandbox, _) = try await pod(node, running: ["a"])
        await before.close()
        let former = node.paths.cgroupRoot
        node.cgroupParent.withLock { $0 = "/cgroup/new" }
        let next = try await node.open()
        let groups = { node.kernel.state.withLock { $0.cgroups.filter { $0.hasPrefix(former) } } }
        #expect(groups().contains(former) && groups().count > 1)
        try await next.stopPodSandbox(sandbox)
        await next.close()
        _ = try await node.open()
        #expect(groups().isEmpty)
        #expect(node.kernel.state.withLock { $0.cgroups.contains(node.paths.cgroupRoot) })
    }

    /// A former group may be above the one in use.
    @Test(arguments: ["/cgroup/swiftlet-test", "/cgroup/swiftlet-test/b", "/cgroup/swiftlet-test/pods"])
    func theGroupAboveTheOneInUseStays(parent: String) async throws {
        let node = try FakeNode()
        try node.kernel.makeCgroup("/cgroup/swiftlet-test")
        try node.kernel.makeCgroup(parent)
        node.cgroupParent.withLock { $0 = parent }
        let (before, _, container) = try await pod(node, running: ["a"])
        await before.close()
        let groups = { node.kernel.state.withLock { $0.cgroups.filter { $0.hasPrefix(node.paths.cgroupRoot) } } }
        let held = groups()
        let after = try await node.open()
        #expect(groups() == held && held.count > 1)
        #expect(try await after.containerStatus(container[0]).state == .running)
    }

    @Test func aBrokenRecordStopsNothing() async throws {
        let node = try FakeNode()
        let (before, sandbox, _) = try await pod(node, running: ["a"])
        let name = try #require(node.sandboxDirectories.first)
        let directory = node.paths.state + "/sandboxes/" + name
        await before.close()
        for record in try OpenDirectory(directory + "/containers").names() {
            try WholeFile.replace(directory + "/containers/" + record, with: Array("{\"id\":".utf8), durable: false)
        }
        let after = try await node.open()
        #expect(try await after.podSandboxStatus(sandbox).state == .ready)
        #expect(try await after.listContainers(ContainerFilter()).isEmpty)
        // The monitor's container without a record is gone too.
        #expect(node.monitors.only?.state.withLock { $0.containers.isEmpty } == true)
    }

    @Test func classesHoldTheirPodsAndKeepTheirWeight() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        func weight(_ path: String) -> String? {
            node.kernel.state.withLock { $0.values["/cgroup/swiftlet-test/pods/\(path)cpu.weight"] }
        }
        #expect(weight("besteffort/") == "1" && weight("burstable/") == "1")
        var config = podConfig
        config.cgroupClass = .burstable
        config.resources.cpuRequest = 1_000
        let sandbox = try await runtime.runPodSandbox(config)
        #expect(weight("burstable/") == "100")
        let group = try #require(try await runtime.leftovers().first { $0.kind == .cgroup }?.name)
        #expect(group.hasPrefix("/cgroup/swiftlet-test/pods/burstable/uid-1_"))
        await runtime.close()
        let after = try await node.open()
        #expect(try await after.podSandboxStatus(sandbox).state == .ready)
        try await after.removePodSandbox(sandbox)
        #expect(weight("burstable/") == "1")
        #expect(try await after.leftovers().allSatisfy { $0.kind != .cgroup })
    }

    @Test func removesEverythingAtUninstall() async throws {
        let node = try FakeNode()
        let (runtime, _, _) = try await pod(node, running: ["a"])
        try await runtime.removeEverything(includingImages: true)
        #expect((try? OpenDirectory(node.paths.data)) == nil)
        #expect((try? OpenDirectory(node.paths.state)) == nil)
        #expect(node.kernel.state.withLock { $0.cgroups.isEmpty && $0.mounts.isEmpty })
    }
}
