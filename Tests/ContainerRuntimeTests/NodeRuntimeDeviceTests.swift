import CRI
import ContainerRuntime
import Glibc
import Linux
import Testing

/// Network devices that come with devices by name.
@Suite struct NodeRuntimeDeviceTests {
    private func node() throws -> FakeNode {
        let node = try FakeNode()
        try WholeFile.makeDirectories(node.directory + "/devices")
        try node.write(
            "devices/net.json",
            #"""
            {"cdiVersion": "1.1.0", "kind": "v/net",
             "devices": [{"name": "a", "containerEdits": {"netDevices": [{"hostInterfaceName": "eth1", "name": "net1"}]}}]}
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

    /// The pod keeps it, so that its container can be made anew, by another daemon too.
    @Test func aDeviceGoesToThePodOnce() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        try await create(runtime, in: sandbox)
        #expect(node.kernel.state.withLock { $0.hostDevices.isEmpty && Array($0.podDevices.values) == [["net1": 11]] })
        // Another one that has got its name is left to the node.
        node.kernel.state.withLock { $0.hostDevices = ["eth1"] }
        try await create(runtime, in: sandbox, attempt: 1)
        await runtime.close()
        let next = try await node.open()
        try await create(next, in: sandbox, attempt: 2)
        #expect(node.kernel.state.withLock { $0.hostDevices } == ["eth1"])
        node.kernel.state.withLock { state in
            state.hostDevices = []
            for process in state.podDevices.keys { state.podDevices[process] = ["net1": 99] }
        }
        for attempt: UInt32 in 3...4 {
            let error = await #expect(throws: CRIError.self) { try await create(next, in: sandbox, attempt: attempt) }
            #expect(error?.description.contains("eth1 cannot be given to the pod as net1: the node has none") ?? false)
        }
    }

    /// One that the pod has by that name may be anybody's.
    @Test func aDeviceThatNeverWentIsNotTakenForThere() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { state in
            state.hostDevices = []
            state.podDevices[4_242] = ["net1": 5]
        }
        for devices in [[], [], ["eth1"], ["eth1"], []] as [Set<String>] {
            node.kernel.state.withLock { $0.hostDevices = devices }
            let error = await #expect(throws: CRIError.self) { try await create(runtime, in: sandbox) }
            let cause = devices.isEmpty ? "the node has none of that name" : "the pod has one of that name"
            #expect(error?.description.contains(cause) == true, "\(String(describing: error))")
        }
    }

    @Test func aDeviceWhoseMoveFailedIsMovedAtTheNextTry() async throws {
        let node = try node()
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { $0.deviceError = KernelError("move network device", "eth1", EIO) }
        for _ in 0..<2 {
            let error = await #expect(throws: CRIError.self) { try await create(runtime, in: sandbox) }
            #expect(error?.description.contains(KernelError.text(of: EIO)) == true)
        }
        node.kernel.state.withLock { $0.deviceError = nil }
        try await create(runtime, in: sandbox)
        #expect(node.kernel.state.withLock { $0.podDevices } == [4_242: ["net1": 11]])
    }

    /// It may have lost its addresses on its way: its daemon was killed, or the kernel would not have it back.
    @Test func aDeviceThatWentByHalfIsNotTakenForThere() async throws {
        let node = try node()
        var runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        node.kernel.state.withLock { state in
            state.deviceError = KernelError("move network device", "eth1", EIO)
            state.losesDevices = true
        }
        for _ in 0..<3 {
            let error = await #expect(throws: CRIError.self) { try await create(runtime, in: sandbox) }
            #expect(error?.description.contains("may be without its addresses; make the pod anew") == true)
            await runtime.close()
            runtime = try await node.open()
        }
        #expect(node.kernel.state.withLock { $0.podDevices } == [4_242: ["net1": 11]])
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
