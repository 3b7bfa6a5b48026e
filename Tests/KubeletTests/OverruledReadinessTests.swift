import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct OverruledReadinessTests {
    private func marked(_ simulation: PodSimulation) -> Pod {
        var pod = simulation.machine.pod
        var status = simulation.status
        status.conditions = status.conditions.map { condition in
            guard condition.type == "Ready" else { return condition }
            var condition = condition
            condition.status = "False"
            condition.lastTransitionTime = Timestamp(simulation.now)
            return condition
        }
        pod.status = status
        return pod
    }

    private func readySince(_ simulation: PodSimulation) -> Timestamp? {
        simulation.status.conditions.first { $0.type == "Ready" && $0.status == "True" }?.lastTransitionTime
    }

    @Test func itIsToldAgain() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.advance(.seconds(100))
        simulation.deliver(.updated(marked(simulation)))
        #expect(readySince(simulation) == Timestamp(simulation.now))
    }

    @Test func anOlderStateOfTheObjectChangesNothing() {
        var simulation = PodSimulation(pod())
        let before = marked(simulation)
        simulation.look()
        let since = readySince(simulation)
        simulation.advance(.seconds(100))
        simulation.deliver(.updated(before))
        #expect(since != nil && readySince(simulation) == since)
    }
}
