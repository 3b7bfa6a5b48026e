import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct EphemeralContainerTests {
    private func running(_ restartPolicy: String = "Always") -> PodSimulation {
        var simulation = PodSimulation(pod(restartPolicy: restartPolicy))
        simulation.look()
        simulation.log = []
        return simulation
    }

    private func add(_ name: String, to simulation: inout PodSimulation) {
        var changed = simulation.machine.pod
        changed.spec.ephemeralContainers.append(
            EphemeralContainer {
                $0.name = name
                $0.image = "i"
                $0.targetContainerName = "a"
            })
        simulation.deliver(.updated(changed))
    }

    private func state(_ simulation: PodSimulation) -> KubernetesAPI.ContainerState? {
        simulation.status.ephemeralContainerStatuses.first?.state
    }

    @Test func itRunsBesideTheOthersAndIsNeverRestarted() {
        var simulation = running()
        add("debug", to: &simulation)
        #expect(simulation.log == ["start debug 0"])
        #expect(state(simulation)?.running != nil)
        simulation.exit("debug", code: 3)
        simulation.advance(.seconds(1_000))
        #expect(state(simulation)?.terminated?.exitCode == 3)
        #expect(simulation.log == ["start debug 0"])
        #expect(simulation.status.phase == "Running" && simulation.status.condition("Ready") == "True")
        simulation.loseSandbox()
        #expect(state(simulation)?.terminated?.exitCode == 3)
        #expect(!simulation.log.contains("start debug 1"))
    }

    @Test func itEndsWithItsPod() {
        var simulation = running("Never")
        add("debug", to: &simulation)
        simulation.exit("a", code: 0)
        #expect(simulation.status.phase == "Succeeded")
        #expect(simulation.log.suffix(2) == ["stop debug", "stop sandbox"])
    }

    @Test func oneThatCannotBeStartedSaysWhy() {
        var simulation = running()
        simulation.startFailures["debug"] = "target container \"a\" is not running"
        add("debug", to: &simulation)
        #expect(state(simulation)?.waiting?.message?.contains("not running") == true)
        #expect(simulation.status.condition("Ready") == "True")
    }
}
