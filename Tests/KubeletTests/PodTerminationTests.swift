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

    @Test func aPodThatIsActiveForTooLongFails() {
        var object = pod()
        object.spec.activeDeadlineSeconds = 30
        var simulation = PodSimulation(object)
        simulation.look()
        simulation.advance(.seconds(20))
        // The wall clock moves no deadline.
        simulation.clockOffset = .seconds(3600)
        simulation.advance(.seconds(9))
        #expect(simulation.status.phase == "Running")
        simulation.advance(.seconds(2))
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.reason == "DeadlineExceeded")
        #expect(simulation.status.condition("DisruptionTarget") == nil)
        #expect(simulation.events.filter { $0 == "DeadlineExceeded" }.count == 1)
        #expect(Array(simulation.log.suffix(2)) == ["stop a", "stop sandbox"])
    }

    /// A daemon that died between the pod's end and its telling leaves the next one nothing but the times.
    @Test(arguments: [(10, "Succeeded", nil), (31, "Failed", "DeadlineExceeded" as String?)])
    func aDeadlineIsFoundOutAgain(_ end: Int64, _ phase: String, _ reason: String?) {
        var object = pod(["a", "b"], restartPolicy: "Never")
        object.spec.activeDeadlineSeconds = 30
        var first = PodSimulation(object)
        first.look()
        object.status = first.status
        first.now += .seconds(end)
        for name in ["a", "b"] { first.exit(name, code: 0) }
        var second = PodSimulation(object, observation: first.observe())
        second.now = first.now + .seconds(600)
        second.look()
        #expect(second.status.phase == phase)
        #expect(second.status.reason == reason)
        // Once it is told it stands.
        object.status = second.status
        var third = PodSimulation(object, observation: second.observe())
        third.now = second.now + .seconds(600)
        third.look()
        #expect(third.status.phase == phase && third.status.reason == reason)
        #expect(third.events.isEmpty)
    }

    @Test func theNodesGraceHoldsAlsoForAPodThatEndsAlready() {
        var object = pod()
        object.spec.activeDeadlineSeconds = 2
        object.spec.terminationGracePeriodSeconds = 120
        var simulation = PodSimulation(object)
        simulation.look()
        simulation.holdsStops = true
        simulation.advance(.seconds(5))
        simulation.deliver(.terminated(shutdown))
        #expect(simulation.graces == [.seconds(120), .seconds(17)])
        simulation.endStop("a")
        #expect(simulation.log.last == "ended")
        #expect(simulation.status.reason == "DeadlineExceeded")
    }

    @Test func theNodesGraceHoldsAlsoForASidecarThatIsLeft() {
        let sidecar = Container {
            $0.name = "side"
            $0.restartPolicy = "Always"
        }
        var simulation = PodSimulation(
            pod(initContainers: [sidecar], restartPolicy: "Never") { $0.spec.terminationGracePeriodSeconds = 120 })
        simulation.look()
        simulation.holdsStops = true
        simulation.exit("a", code: 0)
        simulation.deliver(.terminated(shutdown))
        #expect(simulation.graces == [.seconds(120), .seconds(20)])
        simulation.endStop("side")
        #expect(simulation.log.last == "ended" && simulation.status.phase == "Succeeded")
    }

    @Test func aDeadlineThatIsSetLaterCountsFromTheStart() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.advance(.seconds(60))
        var object = pod()
        object.spec.activeDeadlineSeconds = 30
        simulation.deliver(.updated(object))
        #expect(simulation.status.reason == "DeadlineExceeded")
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

    @Test func anEvictedPodFailsWithAnEventAndLosesItsVolumes() {
        var simulation = PodSimulation(
            pod { $0.spec.volumes = [Volume { $0.name = "scratch" }, Volume { $0.name = "more" }] })
        simulation.look()
        simulation.deliver(.terminated(.eviction("The node was low on resource: memory. ", grace: .seconds(1))))
        #expect(Array(simulation.log.suffix(4)) == ["stop a", "stop sandbox", "release", "ended"])
        #expect(simulation.status.phase == "Failed")
        #expect(simulation.status.reason == "Evicted")
        #expect(simulation.status.message == "The node was low on resource: memory. ")
        #expect(simulation.status.condition("DisruptionTarget") == "True")
        #expect(simulation.events.filter { $0 == "Evicted" }.count == 1)
    }

    /// A pod that has ended needs its volumes no more; one that may run again does.
    @Test func onlyAPodThatHasEndedLosesItsVolumes() {
        var simulation = PodSimulation(
            pod(restartPolicy: "OnFailure") { $0.spec.volumes = [Volume { $0.name = "scratch" }] })
        simulation.look()
        simulation.exit("a", code: 1)
        #expect(!simulation.log.contains("release"))
        simulation.advance(.seconds(60))
        simulation.exit("a", code: 0)
        #expect(simulation.log.last == "release")
        simulation.look()
        #expect(simulation.log.filter { $0 == "release" }.count == 1)
    }

    /// Room is made by removing the containers of pods that have ended.
    @Test func anEndIsToldAlsoWhenItsContainersAreGone() throws {
        var simulation = PodSimulation(pod(restartPolicy: "Never"))
        simulation.look()
        simulation.exit("a", code: 3)
        let told = simulation.status
        simulation.containers = []
        simulation.look()
        #expect(simulation.status == told)
        #expect(simulation.status.containerStatuses.first?.state.terminated?.exitCode == 3)
        // So it is for a daemon that was started since.
        var object = pod(restartPolicy: "Never")
        object.status = told
        var second = PodSimulation(object)
        second.look()
        #expect(second.status == told)
        #expect(second.log.isEmpty)
    }

    @Test func aNewcomerIsRefusedByWhatTheNodeIsShortOf() {
        let bestEffort = pod()
        let burstable = pod {
            $0.spec.containers[0].resources = ResourceRequirements { $0.requests = ["memory": 1] }
        }
        let tolerant = pod {
            $0.spec.tolerations = [
                Toleration {
                    $0.key = "node.kubernetes.io/memory-pressure"
                    $0.operator = "Exists"
                }
            ]
        }
        let critical = pod { $0.spec.priority = 2_000_000_000 }
        let known = pod { $0.status.startTime = .epoch }
        let refusal = PodTermination.refusal(of: bestEffort, under: [.memory])
        #expect(refusal?.reason == "Evicted" && refusal?.disruption == nil)
        #expect(refusal?.message == "Pod was rejected: The node had condition: [MemoryPressure]. ")
        for admitted in [burstable, tolerant, critical, known] {
            #expect(PodTermination.refusal(of: admitted, under: [.memory]) == nil)
        }
        for refused in [bestEffort, burstable, tolerant] {
            #expect(PodTermination.refusal(of: refused, under: [.disk]) != nil)
            #expect(PodTermination.refusal(of: refused, under: [.memory, .processes]) != nil)
        }
        for admitted in [critical, known] { #expect(PodTermination.refusal(of: admitted, under: [.disk]) == nil) }
        #expect(PodTermination.refusal(of: bestEffort, under: []) == nil)
    }

    private func member(_ uid: String, priority: Int32 = 0, isStatic: Bool = false) -> Pod {
        Pod(name: uid, namespace: "default") {
            $0.metadata.uid = uid
            $0.spec.priority = priority
            if isStatic { $0.metadata.annotations[StaticPodAnnotation.source] = "file" }
        }
    }
}
