import APIMachinery
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct ChangedImageTests {
    private func change(_ simulation: inout PodSimulation, _ image: String) {
        var pod = simulation.machine.pod
        pod.spec.containers = pod.spec.containers.map { container in
            var container = container
            container.image = image
            return container
        }
        simulation.deliver(.updated(pod))
    }

    /// The image is no matter of the restart policy.
    @Test(arguments: ["Always", "OnFailure", "Never"]) func whatRunsIsRunAgainOfTheOther(policy: String) {
        var simulation = PodSimulation(pod(restartPolicy: policy))
        simulation.look()
        change(&simulation, "other")
        #expect(simulation.log.suffix(2) == ["stop a", "start a 1"])
        #expect(simulation.messages.contains("Container a definition changed, will be restarted"))
        #expect(simulation.status.containerStatuses.first?.image == "other")
        #expect(simulation.status.containerStatuses.first?.restartCount == 1)
        #expect(simulation.status.phase == "Running")
        simulation.exit("a", code: 0)
        #expect(simulation.status.phase == (policy == "Always" ? "Running" : "Succeeded"))
    }

    /// What the status tells is what ran, and the failure of the other shows at once.
    @Test func anImageThatCannotBeHadShowsAtOnce() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.imageFailures = ["a": .init(reason: "ErrImagePull", message: "none")]
        simulation.holdsStops = true
        change(&simulation, "other")
        #expect(simulation.status.containerStatuses.first?.image == "i")
        simulation.endStop("a")
        simulation.advance(.seconds(1))
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "ImagePullBackOff")
        #expect(simulation.status.condition("Ready") == "False")
    }

    @Test func whatHasEndedIsNotRunAgainForIt() {
        var simulation = PodSimulation(pod(restartPolicy: "Never"))
        simulation.look()
        simulation.exit("a", code: 0)
        change(&simulation, "other")
        #expect(!simulation.log.contains("start a 1"))
        #expect(simulation.status.phase == "Succeeded")
    }
}
