import KubernetesAPI
import Testing

@testable import Kubelet

/// Containers that run while their postStart hook does.
@Suite struct PostStartTests {
    private let start = PodOperation.startContainer(name: "a", attempt: 0, images: [:])

    private func hooked(_ build: (inout Container) -> Void = { _ in }) -> PodSimulation {
        let pod = pod {
            var container = $0.spec.containers[0]
            build(&container)
            $0.spec.containers = [container]
        }
        var simulation = PodSimulation(pod)
        simulation.endlessHooks = ["a"]
        simulation.look()
        simulation.look()
        return simulation
    }

    private func isReady(_ simulation: PodSimulation) -> [Bool?] {
        let container = simulation.status.containerStatuses.first
        return [container?.ready, container?.started, simulation.status.condition("Ready") == "True"]
    }

    @Test func itIsReadyOnceItsHookHasEnded() {
        var simulation = hooked()
        #expect(simulation.log.contains("start a 0"))
        #expect(isReady(simulation) == [false, false, false])
        simulation.advance(.seconds(30))
        #expect(isReady(simulation) == [false, false, false])
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "ContainerCreating")
        #expect(simulation.status.phase == "Pending")
        simulation.deliver(.finished(start, .success, simulation.observe()))
        #expect(isReady(simulation) == [true, true, true])
        #expect(simulation.status.containerStatuses.first?.state.running != nil)
        #expect(simulation.status.phase == "Running")
    }

    @Test func itIsNeverReadyWhereItsHookFails() {
        var simulation = hooked()
        simulation.endlessHooks = []
        simulation.startFailures["a"] = "no"
        simulation.exit("a", code: 143)
        #expect(isReady(simulation) == [false, false, false])
        simulation.deliver(
            .finished(start, .failure(reason: "PostStartHookError", message: "no"), simulation.observe()))
        #expect(isReady(simulation) == [false, false, false])
        #expect(simulation.status.containerStatuses.first?.state.waiting != nil)
    }

    /// Else it would be condemned for what the hook has yet to prepare.
    @Test func itsProbesWaitForItsHook() {
        var simulation = hooked {
            $0.livenessProbe = Probe {
                $0.periodSeconds = 1
                $0.failureThreshold = 1
                $0.exec = ExecAction { $0.command = ["true"] }
            }
        }
        simulation.health["a/liveness"] = false
        simulation.advance(.seconds(30))
        #expect(!simulation.events.contains("Unhealthy"))
        simulation.deliver(.finished(start, .success, simulation.observe()))
        #expect(simulation.log.contains("stop a"))
    }

    @Test func whatFollowsASidecarWaitsForItsHook() {
        let sidecar = Container {
            $0.name = "side"
            $0.restartPolicy = "Always"
        }
        var simulation = PodSimulation(pod(initContainers: [sidecar]))
        simulation.endlessHooks = ["side"]
        simulation.look()
        simulation.look()
        #expect(simulation.log.contains("start side 0") && !simulation.log.contains("start a 0"))
        let start = PodOperation.startContainer(name: "side", attempt: 0, images: [:])
        simulation.deliver(.finished(start, .success, simulation.observe()))
        #expect(simulation.log.contains("start a 0"))
    }

    /// As upstream: a proxy may be what the others need.
    @Test(arguments: [nil, "no"]) func whatFollowsIsStartedWhenItsHookHasEnded(_ failure: String?) {
        let pod = pod {
            $0.spec.containers[0].lifecycle = Lifecycle { $0.postStart = LifecycleHandler() }
            $0.spec.containers += ["b", "c"].map { name in Container { $0.name = name } }
            $0.spec.containers[2].lifecycle = $0.spec.containers[0].lifecycle
        }
        var simulation = PodSimulation(pod)
        simulation.endlessHooks = ["a", "c"]
        simulation.look()
        simulation.look()
        #expect(simulation.log.contains("start a 0") && !simulation.log.contains("start b 0"))
        simulation.advance(.seconds(30))
        #expect(!simulation.log.contains("start b 0"))
        let outcome = failure.map { PodOutcome.failure(reason: "PostStartHookError", message: $0) } ?? .success
        simulation.deliver(.finished(start, outcome, simulation.observe()))
        #expect(simulation.log.contains("start b 0") && simulation.log.contains("start c 0"))
        // That the last one's hook goes on holds nobody up who is before it.
        simulation.exit("b", code: 1)
        simulation.advance(.seconds(60))
        #expect(simulation.log.contains("start b 1"))
    }
}
