import CRI
import ContainerRuntime
import Glibc
import Linux
import Synchronization
import TestSupport
import Testing

/// Network devices that come with devices by name.
@Suite struct NodeRuntimeDeviceTests {
    private func node(_ name: String = "net1") throws -> FakeNode {
        let node = try FakeNode()
        try WholeFile.makeDirectories(node.directory + "/devices")
        try node.write(
            "devices/net.json",
            #"""
            {"cdiVersion": "1.1.0", "kind": "v/net",
             "devices": [{"name": "a", "containerEdits": {"netDevices": [{"hostInterfaceName": "eth1", "name": "\#(name)"}]}}]}
            """#)
        node.kernel.state.withLock { $0.hostDevices = ["eth1"] }
        return node
    }

    private func create(
        _ runtime: NodeRuntime, in sandbox: String, attempt: UInt32 = 0
    ) async throws(CRIError) {
        var config = containerConfig(attempt: attempt)
        config.namedDevices = ["v/net=a"]
        _ = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
    }

    private func refusal(_ runtime: NodeRuntime, in sandbox: String, attempt: UInt32 = 0) async -> String {
        let error = await #expect(throws: CRIError.self) { try await create(runtime, in: sandbox, attempt: attempt) }
        return error?.description ?? ""
    }

    /// The pod keeps it, so that its container can be made anew, by another daemon too.
    @Test func aDeviceGoesToThePodOnce() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        #expect(node.kernel.state.withLock { $0.hostDevices.isEmpty && $0.podDevices == [11: "net1"] })
        // Another one that has got its name is left to the node.
        node.kernel.state.withLock { $0.hostDevices = ["eth1"] }
        try await create(runtime, in: sandbox, attempt: 1)
        await runtime.close()
        let next = try await node.open()
        try await create(next, in: sandbox, attempt: 2)
        #expect(node.kernel.state.withLock { $0.hostDevices } == ["eth1"])
        node.kernel.state.withLock { ($0.hostDevices, $0.podDevices) = ([], [99: "net1"]) }
        for attempt: UInt32 in 3...4 {
            let cause = await refusal(next, in: sandbox, attempt: attempt)
            #expect(cause.contains("eth1 cannot be given to the pod as net1: the node has none"))
        }
    }

    /// A container may rename it for a while, and the record outlives what fails then.
    @Test(arguments: ["net1", "net%d"]) func aDeviceThatIsRenamedInThePodIsStillKnown(_ name: String) async throws {
        let node = try node(name)
        var runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        node.kernel.state.withLock { $0.podDevices = [11: "other"] }
        if name == "net1" {
            for devices in [[], ["eth1"]] as [Set<String>] {
                node.kernel.state.withLock { $0.hostDevices = devices }
                let cause = await refusal(runtime, in: sandbox, attempt: 1)
                #expect(cause.contains("the pod has it, renamed other"), "\(cause)")
            }
        } else {
            try await create(runtime, in: sandbox, attempt: 1)
        }
        // Nor is it forgotten while it is away.
        node.kernel.state.withLock { ($0.hostDevices, $0.podDevices) = ([], [:]) }
        #expect(await refusal(runtime, in: sandbox, attempt: 2).contains("the node has none"))
        node.kernel.state.withLock { $0.podDevices = [11: "net1"] }
        await runtime.close()
        runtime = try await node.open()
        try await create(runtime, in: sandbox, attempt: 3)
    }

    /// One that the pod has by that name may be anybody's.
    @Test func aDeviceThatNeverWentIsNotTakenForThere() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { $0.podDevices = [5: "net1"] }
        for devices in [[], [], ["eth1"], ["eth1"], []] as [Set<String>] {
            node.kernel.state.withLock { $0.hostDevices = devices }
            let cause = devices.isEmpty ? "the node has none of that name" : "the pod has one of that name"
            let told = await refusal(runtime, in: sandbox)
            #expect(told.contains(cause), "\(told)")
        }
    }

    @Test func aDeviceWhoseMoveFailedIsMovedAtTheNextTry() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { $0.deviceError = EIO }
        for _ in 0..<2 { #expect(await refusal(runtime, in: sandbox).contains(KernelError.text(of: EIO))) }
        node.kernel.state.withLock { $0.deviceError = nil }
        try await create(runtime, in: sandbox)
        #expect(node.kernel.state.withLock { $0.podDevices } == [11: "net1"])
    }

    /// The kernel would not have it back, and whatever stood in the way: there it is without its addresses, or is down.
    @Test(arguments: ["net1", "net%d"], [EIO, ENODEV])
    func aDeviceThatWentByHalfIsNotTakenForThere(_ name: String, _ code: Int32) async throws {
        let node = try node(name)
        var runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { ($0.deviceError, $0.losesDevices) = (code, true) }
        for _ in 0..<3 {
            let told = await refusal(runtime, in: sandbox)
            #expect(told.contains("may be without its addresses; make the pod anew"), "\(told)")
            await runtime.close()
            runtime = try await node.open()
        }
        #expect(node.kernel.state.withLock { $0.podDevices.count } == 1)
    }

    /// Of a daemon that was killed meanwhile the record tells that it was about to move one, and nobody knows whether it did.
    @Test(arguments: [false, true]) func aDeviceWhoseDaemonDiedIsLookedForByItsName(_ hasGone: Bool) async throws {
        let node = try node()
        var runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        let file = node.paths.state + "/sandboxes/\(try #require(node.sandboxDirectories.first))/sandbox.json"
        let before = Mutex<[UInt8]>([])
        node.kernel.giving.withLock {
            $0 = { before.withLock { $0 = (try? WholeFile.read(file, limit: 1 << 20)) ?? [] } }
        }
        try await create(runtime, in: sandbox)
        await runtime.close()
        try WholeFile.replace(file, with: before.withLock { $0 }, durable: false)
        if !hasGone { node.kernel.state.withLock { ($0.hostDevices, $0.podDevices) = (["eth1"], [:]) } }
        runtime = try await node.open()
        if hasGone {
            for attempt: UInt32 in 1...2 {
                #expect(await refusal(runtime, in: sandbox, attempt: attempt).contains("make the pod anew"))
            }
        } else {
            try await create(runtime, in: sandbox, attempt: 1)
            #expect(node.kernel.state.withLock { $0.podDevices } == [12: "net1"])
        }
    }

    /// The kernel would give hardware back as it is called in the pod, and the next pod that asks for it would find none.
    @Test(arguments: [false, true]) func hardwareGoesBackByItsNameWhenThePodEnds(_ isHardware: Bool) async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        node.kernel.state.withLock { $0.hardware = isHardware ? [11] : [] }
        try await runtime.stopPodSandbox(sandbox)
        #expect(node.kernel.state.withLock { $0.hostDevices } == (isHardware ? ["eth1"] : []))
        #expect(node.kernel.state.withLock { $0.podDevices.isEmpty } == isHardware)
    }

    @Test func hardwareThatCannotGoBackIsToldAndHoldsNothingUp() async throws {
        let node = try node()
        let log = KeptWords()
        let runtime = try await node.open(log)
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        node.kernel.state.withLock { ($0.hardware, $0.deviceError) = ([11], EEXIST) }
        try await runtime.removePodSandbox(sandbox)
        #expect(log.words.value.withLock { $0.contains("network device not taken back by its name") })
        #expect(try await runtime.leftovers().isEmpty)
    }

    /// By then its namespace is gone, and its monitor's number may be another process's.
    @Test func afterTheMonitorsEndNoDeviceIsLookedFor() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        node.kernel.state.withLock { $0.hardware = [11] }
        node.kernel.killing.withLock {
            $0 = { (path) throws(KernelError) in throw KernelError("end the processes of", path, EBUSY) }
        }
        await #expect(throws: CRIError.self) { try await runtime.stopPodSandbox(sandbox) }
        node.kernel.state.withLock { $0.podDevices = [11: "another"] }
        node.kernel.killing.withLock { $0 = nil }
        try await runtime.stopPodSandbox(sandbox)
        #expect(node.kernel.state.withLock { $0.podDevices } == [11: "another"])
    }

    /// What a sandbox is resumed with is another network namespace, whose numbers begin anew.
    @Test func aSandboxThatIsResumedHasNone() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        try await runtime.stopPodSandbox(sandbox)
        try await runtime.resumePodSandbox(sandbox, podConfig)
        node.kernel.state.withLock { ($0.hostDevices, $0.podDevices) = (["eth1"], [11: "net1"]) }
        #expect(await refusal(runtime, in: sandbox, attempt: 1).contains("the pod has one of that name"))
    }

    @Test func thePodsOfTheNodesNetworkGetNone() async throws {
        let node = try node()
        let runtime = try await node.open()
        var config = podConfig
        config.network = .node
        let sandbox = try await runtime.runPodSandbox(config)
        let error = await #expect(throws: CRIError.self) { try await create(runtime, in: sandbox) }
        #expect(error?.description.contains("the node's network") ?? false)
        #expect(node.kernel.state.withLock { $0.hostDevices } == ["eth1"])
    }
}
