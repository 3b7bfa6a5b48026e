import CRI
import KubernetesAPI
import TestSupport
import Testing

@testable import Kubelet

/// What is told of a hook that failed, and what a probe says.
@Suite struct ProberTests {
    private let fixture = DirectoryFixture()

    /// Starts the container `a`. Returns its id.
    private func start() async throws -> String {
        let runtime = fixture.runtime
        let config = PodSandboxConfig(metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "default"))
        let sandbox = try await runtime.runPodSandbox(config)
        let id = try await runtime.createContainer(
            sandbox: sandbox, config: ContainerConfig(metadata: ContainerMetadata(name: "a"), image: "i"),
            sandboxConfig: config)
        try await runtime.startContainer(id)
        return id
    }

    private func run(_ command: [String], _ answer: ExecResult) async throws -> String? {
        let id = try await start()
        fixture.runtime.scriptExec(container: "a") { _ in answer }
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

    private func check(_ id: String, _ probe: Probe) async -> PodOutcome {
        let pod = pod {
            var container = $0.spec.containers[0]
            container.livenessProbe = probe
            $0.spec.containers = [container]
        }
        return await fixture.executor.prober.check(
            ProbeKey(container: "a", id: id, kind: .liveness), pod, PodObservation(), timeout: .seconds(1))
    }

    @Test func aPortThatTheContainerLacksIsAnErrorOfTheProbe() async {
        let http = Probe {
            $0.httpGet = HTTPGetAction {
                $0.host = "web"
                $0.port = "nope"
            }
        }
        let tcp = Probe {
            $0.tcpSocket = TCPSocketAction {
                $0.host = "web"
                $0.port = "nope"
            }
        }
        for probe in [http, tcp] {
            let outcome = await check("1", probe)
            #expect(outcome == .failure(reason: "ProbeError", message: "container a has no port nope"))
        }
        let grpc = await check("1", Probe { $0.grpc = GRPCAction { $0.port = 70_000 } })
        #expect(grpc == .failure(reason: "ProbeError", message: "container a has no port 70000"))
    }

    @Test func aCommandThatDidNotRunIsAnErrorOfTheProbe() async throws {
        let id = try await start()
        let probe = Probe { $0.exec = ExecAction { $0.command = ["nosuch"] } }
        let errors: [CRIError] = [
            .startFailed(message: "nosuch: not there", exitCode: 127), .failed("nosuch: not there"),
            .notFound("nosuch: not there"), .invalid("nosuch: not there"),
        ]
        for error in errors {
            fixture.runtime.failNext(.execSync, with: error)
            #expect(await check(id, probe) == .failure(reason: "ProbeError", message: "nosuch: not there"))
        }
    }

    @Test func aCommandThatFailsOrTakesTooLongSpeaksAgainstTheContainer() async throws {
        let id = try await start()
        let probe = Probe { $0.exec = ExecAction { $0.command = ["test"] } }
        fixture.runtime.failNext(.execSync, with: .timedOut("command \"test\" timed out"))
        #expect(await check(id, probe) == .probed(isHealthy: false, message: "command \"test\" timed out"))
        fixture.runtime.scriptExec(container: "a") { _ in
            ExecResult(standardOutput: [], standardError: [], exitCode: 127)
        }
        #expect(await check(id, probe) == .probed(isHealthy: false, message: "command exited with 127"))
    }
}
