import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct SidecarTests {
    private let beside = Container {
        $0.name = "beside"
        $0.restartPolicy = "Always"
    }
    private let setup = Container { $0.name = "setup" }

    private func simulation(restartPolicy: String = "Always", grace: Int64 = 30) -> PodSimulation {
        let sidecars = ["one", "two", "three"].map { name in
            Container {
                $0.name = name
                $0.restartPolicy = "Always"
            }
        }
        return PodSimulation(
            pod(initContainers: sidecars, restartPolicy: restartPolicy) {
                $0.spec.terminationGracePeriodSeconds = grace
            })
    }

    private func delete(_ simulation: inout PodSimulation, grace: Int64) {
        var pod = simulation.machine.pod
        pod.metadata.deletionTimestamp = Timestamp(simulation.now + .seconds(grace))
        pod.metadata.deletionGracePeriodSeconds = grace
        simulation.deliver(.updated(pod))
    }

    private func stops(_ simulation: PodSimulation) -> [String] { simulation.log.filter { $0.hasPrefix("stop") } }

    /// The graces of the stops that are asked for when that of this container has succeeded.
    private func graces(after name: String, _ simulation: inout PodSimulation) -> [Duration] {
        let count = simulation.graces.count
        simulation.endStop(name)
        return Array(simulation.graces.dropFirst(count))
    }

    /// Whose container has been taken away to make room.
    @Test func theRunBeforeIsStillTold() {
        var simulation = PodSimulation(pod(initContainers: [beside]))
        simulation.look()
        simulation.exit("beside", code: 3)
        simulation.advance(.seconds(30))
        simulation.containers.removeAll { $0.state == .exited }
        simulation.look()
        let status = simulation.status.initContainerStatuses.first
        #expect(status?.state.running != nil && status?.restartCount == 1)
        #expect(status?.lastState.terminated?.exitCode == 3)
    }

    @Test func sidecarsStopAfterTheOthersTheLastFirst() {
        var simulation = simulation()
        simulation.look()
        #expect(
            simulation.log == ["volumes", "sandbox 0", "start one 0", "start two 0", "start three 0", "start a 0"])
        delete(&simulation, grace: 30)
        #expect(stops(simulation) == ["stop a", "stop three", "stop two", "stop one", "stop sandbox"])
    }

    @Test func allOfThemTogetherHaveThePodsGrace() {
        var simulation = simulation(grace: 10)
        simulation.holdsStops = true
        simulation.look()
        delete(&simulation, grace: 10)
        #expect(simulation.graces == [.seconds(10)])
        simulation.now += .seconds(4)
        #expect(graces(after: "a", &simulation) == [.seconds(6)])
        #expect(stops(simulation) == ["stop a", "stop three"])
        // Time that goes by is no shorter grace; one of a later deletion is.
        simulation.deliver(.tick)
        #expect(simulation.graces.count == 2)
        delete(&simulation, grace: 7)
        #expect(simulation.graces.last == .seconds(3))
        simulation.now += .seconds(3)
        // It is over: who is left gets the least, and nobody waits any more.
        #expect(graces(after: "three", &simulation) == [.seconds(2), .seconds(2)])
    }

    @Test func nobodyWaitsForWhatOutlivesThePodsGrace() {
        var simulation = simulation(grace: 10)
        simulation.holdsStops = true
        simulation.look()
        delete(&simulation, grace: 10)
        #expect(stops(simulation) == ["stop a"])
        simulation.advance(.seconds(11))
        #expect(Set(stops(simulation)) == ["stop a", "stop three", "stop two", "stop one"])
    }

    /// As upstream has it: what follows a sidecar has begun because that had started.
    @Test func aSidecarThatWaitsToBeRestartedHoldsUpNoLaterInitContainer() {
        let last = Container { $0.name = "last" }
        var simulation = PodSimulation(pod(initContainers: [beside, setup, last]))
        simulation.look()
        for _ in 0..<2 { simulation.exit("beside", code: 1) }
        #expect(simulation.status.initContainerStatuses.first?.state.waiting?.reason == "CrashLoopBackOff")
        simulation.exit("setup", code: 0)
        #expect(simulation.log.last == "start last 0")
        simulation.exit("last", code: 0)
        #expect(simulation.log.contains("start a 0"))
    }

    /// Nothing has begun after it yet.
    @Test func theLastInitContainerIsWaitedForWhereItIsASidecar() {
        var simulation = PodSimulation(
            pod(initContainers: [
                Container {
                    $0.name = "beside"
                    $0.restartPolicy = "Always"
                    $0.startupProbe = Probe { $0.exec = ExecAction { $0.command = ["true"] } }
                }
            ]))
        simulation.health["beside/startup"] = false
        simulation.look()
        for _ in 0..<2 { simulation.exit("beside", code: 1) }
        simulation.health["beside/startup"] = true
        #expect(!simulation.log.contains("start a 0"))
        simulation.advance(.seconds(60))
        #expect(simulation.log.contains("start a 0"))
    }

    @Test func aPodThatIsInitializedWaitsForNoSidecar() {
        var simulation = PodSimulation(pod(initContainers: [beside, setup]))
        simulation.look()
        for _ in 0..<2 { simulation.exit("beside", code: 1) }
        #expect(simulation.status.initContainerStatuses.first?.state.waiting?.reason == "CrashLoopBackOff")
        simulation.exit("setup", code: 0)
        #expect(simulation.log.last == "start a 0")
    }

    @Test func aDeadlineIsNoMatterOfSidecarsThatEndLater() {
        var simulation = PodSimulation(
            pod(initContainers: [beside], restartPolicy: "Never") { $0.spec.activeDeadlineSeconds = 60 })
        simulation.holdsStops = true
        simulation.look()
        simulation.advance(.seconds(58))
        simulation.exit("a", code: 0)
        simulation.advance(.seconds(5))
        simulation.exit("beside", code: 0)
        #expect(simulation.status.phase == "Succeeded")
    }

    @Test func aPodHasNotFailedWhileOneOfItsSidecarsRuns() {
        var simulation = PodSimulation(pod(initContainers: [beside, setup], restartPolicy: "Never"))
        simulation.holdsStops = true
        simulation.look()
        simulation.exit("setup", code: 1)
        #expect(stops(simulation) == ["stop beside"])
        #expect(simulation.status.phase == "Pending")
        simulation.exit("beside", code: 0)
        #expect(simulation.status.phase == "Failed")
    }

    @Test func aPodRunsWhileOneOfItsSidecarsDoes() {
        var simulation = simulation(restartPolicy: "Never")
        simulation.holdsStops = true
        simulation.look()
        simulation.exit("a", code: 0)
        #expect(stops(simulation) == ["stop three"])
        #expect(simulation.status.phase == "Running")
        #expect(simulation.status.condition("Ready") == "False")
        simulation.holdsStops = false
        for name in ["three", "two", "one"] { simulation.exit(name, code: 0) }
        #expect(simulation.status.phase == "Succeeded")
        #expect(stops(simulation).last == "stop sandbox")
    }
}
