import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct PreviousLogTests {
    private func run(_ attempt: UInt32) -> CRI.ContainerStatus {
        CRI.ContainerStatus(
            id: "run-\(attempt)", sandbox: "s", metadata: ContainerMetadata(name: "a", attempt: attempt),
            state: .exited,
            createdAt: 1, image: "i", imageID: "sha256:0")
    }

    private func status(lastRun: String?) -> PodStatus {
        PodStatus {
            $0.containerStatuses = [
                KubernetesAPI.ContainerStatus {
                    $0.name = "a"
                    if let lastRun {
                        $0.lastState.terminated = ContainerStateTerminated { $0.containerID = "swiftlet://" + lastRun }
                    }
                }
            ]
        }
    }

    /// In back-off the newest run is the last one.
    @Test func thePreviousLogIsTheRunThatTheStatusTellsOf() {
        let seen = PodObservation(containers: [run(2), run(1), run(0)])
        #expect(seen.last("a", toldBy: status(lastRun: "run-2"))?.id == "run-2")
        #expect(seen.last("a", toldBy: status(lastRun: "run-1"))?.id == "run-1")
        #expect(seen.last("a", toldBy: status(lastRun: nil))?.id == "run-1")
        #expect(seen.last("a", toldBy: status(lastRun: "run-9")) == nil)
        #expect(seen.last("b", toldBy: status(lastRun: "run-2")) == nil)
    }
}
