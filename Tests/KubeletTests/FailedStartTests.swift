import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

/// Containers whose program cannot be executed.
@Suite struct FailedStartTests {
    private func failing(_ pod: Pod, _ name: String = "a") -> PodSimulation {
        var simulation = PodSimulation(pod)
        simulation.programFailures[name] = "no such program"
        simulation.look()
        return simulation
    }

    @Test func itIsACrashLoopBetweenTheAttempts() {
        var simulation = failing(pod())
        let first = simulation.status.containerStatuses.first
        #expect(first?.state.waiting?.reason == "RunContainerError")
        #expect(first?.lastState.terminated?.exitCode == 128)
        for (attempt, seconds) in [10, 20, 40].enumerated() {
            while !simulation.log.contains("start a \(attempt + 1)"), let wake = simulation.wake {
                simulation.advance(wake - simulation.now)
            }
            let status = simulation.status.containerStatuses.first
            #expect(status?.state.waiting?.reason == "CrashLoopBackOff")
            let wait = "back-off \(seconds)s restarting failed container=a"
            #expect(status?.state.waiting?.message?.hasPrefix(wait) == true)
            #expect(status?.lastState.terminated?.reason == "StartError")
            #expect(status?.lastState.terminated?.message == "no such program")
            #expect(status?.restartCount == Int32(attempt + 1))
        }
        #expect(simulation.status.phase == "Running")
        // A later daemon goes on from there.
        let noted = simulation.observe().newest("a").map { RestartBackoff.note(after: $0) }
        #expect(noted?[ContainerLabel.restartDelay] == "80")
        #expect(simulation.messages.filter { $0 == "Error: no such program" }.count == 4)
    }

    /// Between its making and its start.
    @Test func whatIsMadeAnewLeavesThePodRunning() {
        var simulation = failing(pod())
        let ended = simulation.observe().containers
        for (attempt, phase) in [(UInt32(0), PodPhase.pending), (1, .running)] {
            let made = CRI.ContainerStatus(
                id: "made", sandbox: "", metadata: ContainerMetadata(name: "a", attempt: attempt), state: .created,
                createdAt: 1, image: "i", imageID: "sha256:0")
            let seen = PodObservation(sequence: 1, sandboxes: [], containers: [made] + (attempt == 0 ? [] : ended))
            #expect(PodSimulation(pod(), observation: seen).machine.phase == phase)
        }
    }

    /// Before the kubelet has heard of the failure itself.
    @Test(arguments: [(128, "StartError", "Running: a StartError"), (0, "Completed", "Running")])
    func theTimelineTellsOfAnEnd(exitCode: Int32, reason: String, summary: String) {
        let status = PodStatus {
            $0.phase = "Running"
            $0.containerStatuses = [
                KubernetesAPI.ContainerStatus {
                    $0.name = "a"
                    $0.state = KubernetesAPI.ContainerState {
                        $0.terminated = ContainerStateTerminated {
                            $0.exitCode = exitCode
                            $0.reason = reason
                        }
                    }
                }
            ]
        }
        #expect(TimedStatusSink.summary(status) == summary)
    }

    @Test func whatRunsAtLastRuns() {
        var simulation = failing(pod())
        simulation.advance(.seconds(5))
        simulation.programFailures = [:]
        simulation.advance(.seconds(60))
        #expect(simulation.status.containerStatuses.first?.state.running != nil)
        #expect(simulation.status.containerStatuses.first?.lastState.terminated?.reason == "StartError")
    }

    @Test func itHasFailedWhereNothingIsRestarted() {
        let simulation = failing(pod(restartPolicy: "Never"))
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.containerStatuses.first?.state.terminated?.reason == "StartError")
        #expect(simulation.status.containerStatuses.first?.state.terminated?.exitCode == 128)
    }

    @Test func anInitContainersIsACrashLoopToo() {
        var simulation = failing(pod(initContainers: [Container { $0.name = "one" }]), "one")
        simulation.advance(.seconds(5))
        #expect(simulation.status.initContainerStatuses.first?.state.waiting?.reason == "CrashLoopBackOff")
        #expect(simulation.status.initContainerStatuses.first?.restartCount == 1)
        #expect(simulation.status.phase == "Pending")
    }

    /// The object may appear while a start that did not find it is under way.
    @Test func whatAnEnvironmentLacksIsTriedAgainAtOnceWhenItAppears() {
        let object = ReferencedObject(.configMap, "c", in: "default")
        var simulation = PodSimulation(
            pod(["a", "b"]) {
                var container = $0.spec.containers[0]
                container.envFrom = [EnvFromSource { $0.configMapRef = ConfigMapEnvSource { $0.name = "c" } }]
                $0.spec.containers[0] = container
            })
        #expect(simulation.machine.pod.referencedObjects == [object])
        simulation.startFailures = ["a": "configmap \"c\" not found", "b": "no such key"]
        simulation.look()
        simulation.advance(.seconds(20))
        let tries = simulation.messages.count
        simulation.deliver(.announced(object, version: ""))
        #expect(simulation.messages.count == tries)
        simulation.startFailures["a"] = nil
        simulation.deliver(.announced(object, version: "1"))
        #expect(simulation.status.containerStatuses.first?.state.running != nil)
        #expect(simulation.messages.count == tries && !simulation.log.contains("refresh"))
    }

    @Test func anObjectThatAppearsDuringTheStartIsNotMissed() {
        let object = ReferencedObject(.configMap, "c", in: "default")
        var simulation = PodSimulation(
            pod {
                var container = $0.spec.containers[0]
                container.envFrom = [EnvFromSource { $0.configMapRef = ConfigMapEnvSource { $0.name = "c" } }]
                $0.spec.containers[0] = container
            })
        simulation.endlessHooks = ["a"]
        simulation.look()
        simulation.containers = []
        simulation.endlessHooks = []
        simulation.log = []
        simulation.deliver(.announced(object, version: "1"))
        #expect(simulation.log.isEmpty)
        let failure = PodOutcome.failure(reason: "CreateContainerConfigError", message: "not found")
        let start = PodOperation.startContainer(name: "a", attempt: 0, images: [:])
        simulation.deliver(.finished(start, failure, simulation.observe()))
        #expect(simulation.log == ["start a 0"])
    }

    /// What the next run lacks is told, not the end of the one before.
    @Test func whatCannotBeMadeIsNoCrashLoop() {
        var simulation = failing(pod())
        simulation.advance(.seconds(5))
        simulation.startFailures["a"] = "no such key"
        simulation.advance(.seconds(60))
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "CreateContainerConfigError")
        // At each try.
        #expect(simulation.messages.filter { $0 == "Error: no such key" }.count > 1)
    }
}
