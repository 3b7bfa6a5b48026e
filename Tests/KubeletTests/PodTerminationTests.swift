import KubernetesAPI
import Testing

@testable import Kubelet

/// Pods that their node ends, and the order in which it does.
@Suite struct PodTerminationTests {
    private let shutdown = PodTermination.shutdown(grace: .seconds(20))

    @Test func aPodThatItsNodeEndsHasFailedAndStays() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.deliver(.terminated(shutdown))
        #expect(Array(simulation.log.suffix(3)) == ["stop a", "stop sandbox", "ended"])
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.reason == "Terminated")
        #expect(simulation.status.condition("DisruptionTarget") == "True")
        #expect(!simulation.isFinished)
        simulation.advance(.seconds(600))
        #expect(!simulation.log.contains("start a 1"))
        #expect(simulation.log.filter { $0 == "ended" }.count == 1)
    }

    @Test func aPodThatComesDuringAShutdownNeverRuns() {
        var simulation = PodSimulation(pod())
        simulation.deliver(.terminated(.notAdmitted))
        #expect(simulation.log == ["ended"])
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.reason == "NodeShutdown")
        #expect(simulation.status.condition("DisruptionTarget") == nil)
    }

    @Test func onePodThatHasSucceededStaysSo() {
        var simulation = PodSimulation(pod(restartPolicy: "Never"))
        simulation.look()
        simulation.exit("a", code: 0)
        simulation.deliver(.terminated(shutdown))
        #expect(simulation.status.phase == "Succeeded")
        #expect(simulation.status.reason == nil)
        #expect(simulation.log.last == "ended")
    }

    /// The machine's end overtook the pod's: a new daemon runs it again and forgets the reason.
    @Test func aPodWhoseEndWasOvertakenRunsAgain() {
        var object = pod()
        object.status.phase = "Running"
        object.status.reason = "Terminated"
        var simulation = PodSimulation(object)
        simulation.look()
        #expect(simulation.status.phase == "Running")
        #expect(simulation.status.reason == nil)
    }

    @Test func criticalPodsEndLastAndHaveTimeOfTheirOwn() {
        let plan = ShutdownPlan(
            [member("b"), member("a"), member("c", priority: 2_000_000_000), member("s", isStatic: true)],
            grace: .seconds(30), criticalGrace: .seconds(10))
        #expect(
            plan.stages == [
                .init(pods: ["a", "b"], grace: .seconds(20)), .init(pods: ["c", "s"], grace: .seconds(10)),
            ])
    }

    @Test func criticalPodsHaveNoMoreThanAll() {
        let plan = ShutdownPlan([member("a")], grace: .seconds(5), criticalGrace: .seconds(10))
        #expect(plan.stages == [.init(pods: ["a"], grace: .zero)])
        #expect(ShutdownPlan([], grace: .seconds(30), criticalGrace: .seconds(10)).stages.isEmpty)
    }

    private func member(_ uid: String, priority: Int32 = 0, isStatic: Bool = false) -> Pod {
        Pod(name: uid, namespace: "default") {
            $0.metadata.uid = uid
            $0.spec.priority = priority
            if isStatic { $0.metadata.annotations[StaticPodAnnotation.source] = "file" }
        }
    }
}
