import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

/// How a pod gets its images, and how it waits for those that it does not get.
@Suite struct PodImageTests {
    static let refused = PodMachine.Waiting(reason: "ErrImagePull", message: "registry says no")

    private func refusedPod(_ names: [String] = ["a"]) -> PodSimulation {
        var simulation = PodSimulation(pod(names))
        for name in names { simulation.imageFailures[name] = Self.refused }
        simulation.look()
        return simulation
    }

    @Test func aPullThatFailsIsTriedAgainAfterTenSecondsDoublingToFiveMinutes() {
        var simulation = refusedPod()
        var pulls: [Duration] = [simulation.now]
        while pulls.count < 9, let wake = simulation.wake {
            let before = simulation.log.count
            simulation.advance(wake - simulation.now)
            if simulation.log.count > before { pulls.append(simulation.now) }
        }
        let waits = zip(pulls.dropFirst(), pulls).map { $0 - $1 }
        #expect(waits == [10, 20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
    }

    @Test func itSaysFirstWhatFailedAndThenThatItWaits() {
        var simulation = refusedPod()
        let first = simulation.status.containerStatuses.first?.state.waiting
        #expect(first?.reason == "ErrImagePull")
        #expect(first?.message == "registry says no")
        simulation.advance(.seconds(1))
        let then = simulation.status.containerStatuses.first?.state.waiting
        #expect(then?.reason == "ImagePullBackOff")
        #expect(then?.message == "Back-off pulling image \"i\": ErrImagePull: registry says no")
        #expect(simulation.events == ["Failed", "Failed", "BackOff", "Failed"])
        #expect(
            simulation.messages.prefix(2) == ["Failed to pull image \"i\": registry says no", "Error: ErrImagePull"])
        #expect(simulation.messages.suffix(2) == ["Back-off pulling image \"i\"", "Error: ImagePullBackOff"])
        simulation.advance(.seconds(8))
        #expect(simulation.events.count == 4)
        #expect(simulation.status.phase == "Pending")
    }

    @Test func anImageThatSomebodyBringsMeanwhileIsUsedAtOnce() {
        var simulation = refusedPod()
        simulation.advance(.seconds(5))
        simulation.imageFailures = [:]
        simulation.advance(.seconds(4))
        #expect(simulation.log.last == "start a 0")
        #expect(simulation.status.containerStatuses.first?.state.running != nil)
    }

    @Test func oneContainersPullHoldsUpNoOther() {
        var simulation = PodSimulation(pod(["a", "b"]))
        simulation.imageFailures["a"] = Self.refused
        simulation.look()
        #expect(simulation.log.contains("start b 0"))
        #expect(!simulation.log.contains("start a 0"))
    }

    @Test func containersOfOneImageShareItsWait() {
        var simulation = refusedPod(["a", "b"])
        simulation.advance(.seconds(9))
        #expect(simulation.log.filter { $0.hasPrefix("pull") } == ["pull a", "pull b"])
        simulation.advance(.seconds(2))
        #expect(simulation.log.filter { $0.hasPrefix("pull") }.count == 4)
        simulation.advance(.seconds(18))
        #expect(simulation.log.filter { $0.hasPrefix("pull") }.count == 4)
    }

    private static let withImageVolume = pod(["a", "b"]) {
        $0.spec.volumes = [
            Volume {
                $0.name = "model"
                $0.image = ImageVolumeSource { $0.reference = "registry/model:1" }
            }
        ]
        $0.spec.containers[0].volumeMounts = [
            VolumeMount {
                $0.name = "model"
                $0.mountPath = "/model"
            }
        ]
    }

    @Test func aContainerWaitsForTheImageOfItsVolumeAndTheOthersDoNot() {
        var simulation = PodSimulation(Self.withImageVolume)
        simulation.imageFailures["registry/model:1"] = Self.refused
        simulation.look()
        #expect(simulation.log.contains("start b 0") && !simulation.log.contains("start a 0"))
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "ErrImagePull")
        #expect(
            simulation.messages.prefix(2) == [
                "Failed to pull image \"registry/model:1\": registry says no", "Error: ErrImagePull",
            ])
        simulation.advance(.seconds(1))
        let waiting = simulation.status.containerStatuses.first?.state.waiting
        #expect(waiting?.reason == "ImagePullBackOff")
        #expect(waiting?.message == "Back-off pulling image \"registry/model:1\": ErrImagePull: registry says no")
        simulation.imageFailures = [:]
        simulation.advance(.seconds(4))
        #expect(simulation.log.contains("start a 0"))
    }

    @Test func whatAContainerNeedsIsItsVolumesImagesAndItsOwn() {
        let spec = Self.withImageVolume.spec
        #expect(
            spec.imageDemands(of: "a") == [
                ImageDemand(image: "registry/model:1", policy: "IfNotPresent", container: nil),
                ImageDemand(image: "i", policy: "Always", container: "a"),
            ])
        #expect(spec.imageDemands(of: "b").map(\.image) == ["i"])
        #expect(spec.imageNames == ["i", "registry/model:1"])
    }

    @Test func aContainerThatIsGivenAnotherImageDoesNotWaitForTheOldOne() {
        var simulation = refusedPod()
        simulation.advance(.seconds(1))
        simulation.imageFailures = [:]
        var changed = simulation.machine.pod
        changed.spec.containers[0].image = "other"
        simulation.deliver(.updated(changed))
        #expect(simulation.log.last == "start a 0")
    }

    @Test func aRunThatComesBackHasItsImageMadeSureOfAgain() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.imageFailures["a"] = Self.refused
        simulation.exit("a", code: 1)
        let status = simulation.status.containerStatuses.first
        #expect(status?.state.waiting?.reason == "ErrImagePull")
        #expect(status?.lastState.terminated?.exitCode == 1)
    }

    @Test(arguments: [("InvalidImageName", "InspectFailed"), ("ErrImageNeverPull", "ErrImageNeverPull")])
    func whatNoPullMendsIsToldAtEachTry(reason: String, event: String) {
        var simulation = PodSimulation(pod())
        simulation.imageFailures["a"] = PodMachine.Waiting(reason: reason, message: "so")
        simulation.look()
        simulation.advance(.seconds(300))
        #expect(simulation.events.count > 2 && Set(simulation.events) == [event, "Failed"])
        #expect(Set(simulation.messages) == ["so", "Error: \(reason)"])
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == reason)
    }

    @Test func aPodThatGoesWaitsForNoPull() {
        var simulation = PodSimulation(pod())
        simulation.endlessPulls = ["a"]
        simulation.look()
        #expect(simulation.machine.underWay == [.image("a")])
        var leaving = simulation.machine.pod
        leaving.metadata.deletionTimestamp = Timestamp(simulation.now)
        simulation.deliver(.updated(leaving))
        #expect(simulation.log.contains("stop sandbox") && simulation.log.last == "confirm")
        simulation.deliver(.removed)
        #expect(simulation.isFinished)
        #expect(simulation.machine.underWay == [.image("a")])
    }

    @Test func theWaitBeginsAnewAfterTenQuietMinutes() {
        var backoff = PullBackoff()
        for moment in [0, 10, 30] { backoff.failed(at: .seconds(moment), cause: "c") }
        #expect(backoff.delay == .seconds(40))
        // One that fails while another's failure is waited for counts nothing.
        backoff.failed(at: .seconds(31), cause: "d")
        #expect(backoff.delay == .seconds(40) && backoff.end == .seconds(70) && backoff.cause == "d")
        backoff.failed(at: .seconds(631), cause: "c")
        #expect(backoff.delay == .seconds(10))
    }
}
