import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import TestSupport
import Testing

/// Pods with users of their own.
@Suite struct NodeRuntimeUserTests {
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
}
