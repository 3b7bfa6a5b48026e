import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct LastStatusTests {
    private func deleted(_ pod: Pod, _ simulation: PodSimulation) -> Pod {
        var pod = pod
        pod.metadata.deletionTimestamp = Timestamp(simulation.now)
        pod.metadata.deletionGracePeriodSeconds = 30
        return pod
    }

    @Test func theEndsStandAfterTheContainersWereTakenAway() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.exit("a", code: 1)
        simulation.advance(.seconds(30))
        simulation.deliver(.updated(deleted(simulation.machine.pod, simulation)))
        simulation.advance(.seconds(1))
        #expect(simulation.log.last == "confirm")
        let status = simulation.status.containerStatuses.first
        #expect(status?.restartCount == 1)
        #expect(status?.state.terminated?.exitCode == 143)
    }

    @Test func aDaemonThatFindsNothingLeftTellsTheSameAgain() {
        var first = PodSimulation(pod())
        first.look()
        first.deliver(.updated(deleted(first.machine.pod, first)))
        var pod = first.machine.pod
        pod.status = first.status
        var second = PodSimulation(pod)
        second.look()
        #expect(second.log.last == "confirm")
        #expect(second.status.containerStatuses == first.status.containerStatuses)
        #expect(second.status.phase == first.status.phase)
    }
}
