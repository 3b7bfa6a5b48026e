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

    @Test func aFailedStartIsTheContainersOwn() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: containerConfig(), sandboxConfig: podConfig)
        node.monitors.only?.state.withLock {
            $0.startError = .launch(id: id, stage: .exec, code: ENOENT, detail: "/nope")
        }
        let refusal = CRIError.startFailed(
            message: "exec \"/nope\": command not found in the container", exitCode: 127)
        await #expect(throws: refusal) { try await runtime.startContainer(id) }
        let status = try await runtime.containerStatus(id)
        #expect(status.state == .exited && status.exitCode == 128 && status.reason == "StartError")
    }

    @Test func aDirectoryThatIsNoneIsNamed() async throws {
        let node = try FakeNode()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.workingDirectory = "/etc/passwd"
        let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        node.monitors.only?.state.withLock {
            $0.startError = .launch(id: id, stage: .workingDirectory, code: ENOTDIR, detail: nil)
        }
        let error = await #expect(throws: CRIError.self) { try await runtime.startContainer(id) }
        #expect(error?.description.contains("working directory \"/etc/passwd\"") == true, "\(error as Any)")
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

}
