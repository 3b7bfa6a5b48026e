import CRI
import ContainerRuntime
import Linux
import TestSupport
import Testing

@Suite struct OwnProfileTests {
    private func warnings(
        _ runtime: NodeRuntime, _ sandbox: String, name: String, _ asked: ContainerSecurity.AppArmor? = nil
    ) async throws -> [String] {
        var config = containerConfig()
        config.metadata.name = name
        config.security.appArmor = asked
        let id = try await runtime.createContainer(sandbox: sandbox, config: config, sandboxConfig: podConfig)
        return try await runtime.containerStatus(id).warnings
    }

    @Test func isLoadedOnceAndAgainWhereItIsGone() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.appArmor = AppArmor(profiles: ["other"]) }
        let loads = { node.kernel.state.withLock { $0.loads } }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        #expect(try await warnings(runtime, sandbox, name: "free", .unconfined).isEmpty && loads() == 0)
        #expect(try await warnings(runtime, sandbox, name: "one").isEmpty && loads() == 1)
        #expect(try await warnings(runtime, sandbox, name: "two", .runtimeDefault).isEmpty && loads() == 1)
        node.kernel.state.withLock { $0.appArmor?.profiles = [] }
        #expect(try await warnings(runtime, sandbox, name: "three").isEmpty && loads() == 2)
    }

    @Test func whatAnOlderProgramHasLeftIsReplaced() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock { $0.appArmor = AppArmor(profiles: [node.paths.profile.name]) }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        #expect(try await warnings(runtime, sandbox, name: "one").isEmpty)
        #expect(node.kernel.state.withLock { $0.loads } == 1)
    }

    @Test func withoutAParserContainersRunWithoutItAndThoseThatAskForItSaySo() async throws {
        let node = try FakeNode()
        node.kernel.state.withLock {
            $0.appArmor = AppArmor(profiles: [])
            $0.profileObstacle = "no parser"
        }
        let runtime = try await node.open()
        let sandbox = try await runtime.runPodSandbox(podConfig)
        #expect(try await warnings(runtime, sandbox, name: "one").isEmpty)
        #expect(
            try await warnings(runtime, sandbox, name: "two", .runtimeDefault).contains { $0.contains("no parser") })
        // It is not looked for again at each container.
        #expect(node.kernel.state.withLock { $0.loads } == 1)
    }
}
