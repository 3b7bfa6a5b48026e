import CRI
import KubernetesAPI
import TestSupport
import Testing

@testable import Kubelet

/// What is told of a hook that failed.
@Suite struct ProberTests {
    private let fixture = DirectoryFixture()

    private func run(_ command: [String], _ answer: ExecResult) async throws -> String? {
        let runtime = fixture.runtime
        let config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "default"))
        let sandbox = try await runtime.runPodSandbox(config)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: ContainerConfig(metadata: ContainerMetadata(name: "a"), image: "i"),
            sandboxConfig: config)
        try await runtime.startContainer(id)
        runtime.scriptExec(container: "a") { _ in answer }
        let hook = LifecycleHandler { $0.exec = ExecAction { $0.command = command } }
        let pod = pod()
        let target = ProbeTarget(container: pod.spec.containers[0], id: id, pod: pod, address: nil)
        return await fixture.executor.prober.run(hook, target, timeout: .seconds(1))
    }

    @Test func aCommandThatFailsIsNamedWithItsContainerCodeAndOutputInOneLine() async throws {
        let answer = ExecResult(standardOutput: Array("no\nway\n".utf8), standardError: [], exitCode: 4)
        let failure = try await run(["sh", "-c", "echo no\nexit 4"], answer)
        let place = "Container \"a\" in Pod \"p_default(u)\""
        let command = "sh -c echo no\\nexit 4"
        #expect(
            failure == "Exec lifecycle hook ([\(command)]) for \(place) failed - error: "
                + "command '\(command)' exited with 4, message: \"no\\nway\"")
    }

    @Test func aCommandThatSucceedsSaysNothing() async throws {
        let answer = ExecResult(standardOutput: Array("yes\n".utf8), standardError: [], exitCode: 0)
        #expect(try await run(["true"], answer) == nil)
    }
}
