import CRI
import Testing

@testable import ContainerRuntime

/// A limit of memory where the kernel holds none.
@Suite struct MemoryWatchTests {
    @Test func aContainerBeyondItsLimitIsKilled() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.controllers = ["pids"] }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        let free = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        config.metadata.name = "limited"
        config.resources.memoryLimit = 64 << 20
        let limited = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        for id in [free, limited] { try await runtime.startContainer(id) }

        node.kernel.state.withLock { $0.heldMemory = 64 << 20 }
        try await node.time.fire(NodeRuntime.memoryLook)
        // The next look begins when this one has ended.
        try await node.time.fire(NodeRuntime.memoryLook)
        #expect(try await runtime.containerStatus(limited).state == .running)

        let exit = try #require(runtime.state.withLock { $0.containers[limited]?.exit })
        node.kernel.state.withLock { $0.heldMemory = 64 << 20 + 1 }
        try await node.time.fire(NodeRuntime.memoryLook)
        #expect(await exit.wait() == 137)
        let status = try await runtime.containerStatus(limited)
        #expect(status.state == .exited && status.reason == "OOMKilled" && status.exitCode == 137)
        #expect(try await runtime.containerStatus(free).state == .running)
        await runtime.close()
    }

    /// Once it is known of a container that it only shares, it is looked at seldom, but looked at.
    @Test func whatIsSharedCountsOnce() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.controllers = [] }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        var config = containerConfig()
        config.resources.memoryLimit = 64 << 20
        let sharing = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        try await runtime.startContainer(sharing)
        node.kernel.state.withLock { $0.sharedMemory = 1 << 30 }
        try await node.time.fire(NodeRuntime.memoryLook)
        try await node.time.fire(NodeRuntime.memoryLook)
        #expect(runtime.state.withLock { $0.containers[sharing]?.memoryPause ?? 0 } > 0)
        #expect(try await runtime.containerStatus(sharing).state == .running)

        let exit = try #require(runtime.state.withLock { $0.containers[sharing]?.exit })
        node.kernel.state.withLock { $0.heldMemory = 64 << 20 + 1 }
        for _ in 0...NodeRuntime.memoryPause { try await node.time.fire(NodeRuntime.memoryLook) }
        #expect(await exit.wait() == 137)
        await runtime.close()
    }

    @Test func whatProcessesHoldIsAddedUp() {
        let text = "Name:\tRssAnon:\nRssAnon:\t     100 kB\nRssFile:\t 20 kB\nRssShmem:\t 4 kB\n"
        #expect(ProcFiles.bytes(of: ["RssAnon:", "RssShmem:"], text) == 104 << 10)
        #expect(ProcFiles.bytes(of: ["RssAnon:"], "") == 0)
    }
}
