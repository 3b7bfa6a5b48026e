import APIMachinery
import CRI
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct PodMachineTests {
    @Test func aPodGetsItsVolumesItsSandboxAndItsContainers() {
        var simulation = PodSimulation(pod(["a", "b"]))
        simulation.look()
        #expect(simulation.log == ["volumes", "sandbox 0", "start a 0", "start b 0"])
        #expect(simulation.status.phase == "Running")
        #expect(simulation.status.podIP == "10.42.0.2")
        #expect(simulation.status.condition("Ready") == "True")
        #expect(simulation.status.containerStatuses.map(\.ready) == [true, true])
        #expect(simulation.status.containerStatuses.map(\.restartCount) == [0, 0])
    }

    @Test func aPodThatRunsIsTakenUpAsItIs() {
        var first = PodSimulation(pod())
        first.look()
        var second = PodSimulation(pod(), observation: first.observe())
        second.look()
        #expect(second.log == ["volumes"])
        #expect(second.status.containerStatuses.first?.restartCount == 0)
        #expect(second.status.condition("Ready") == "True")
    }

    @Test func initContainersRunOneAfterTheOther() {
        let inits = ["one", "two"].map { name in Container { $0.name = name } }
        var simulation = PodSimulation(pod(initContainers: inits))
        simulation.look()
        #expect(simulation.log == ["volumes", "sandbox 0", "start one 0"])
        #expect(simulation.status.phase == "Pending")
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "PodInitializing")
        simulation.exit("one", code: 0)
        #expect(simulation.log.last == "start two 0")
        simulation.exit("two", code: 0)
        #expect(simulation.log.last == "start a 0")
        #expect(simulation.status.condition("Initialized") == "True")
        #expect(simulation.status.condition("Ready") == "True")
    }

    @Test func aSidecarRunsOnBesideTheOthersAndStopsLast() {
        let sidecar = Container {
            $0.name = "side"
            $0.restartPolicy = "Always"
        }
        var simulation = PodSimulation(pod(initContainers: [sidecar]))
        simulation.look()
        #expect(simulation.log == ["volumes", "sandbox 0", "start side 0", "start a 0"])
        delete(&simulation)
        #expect(simulation.log.filter { $0.hasPrefix("stop") } == ["stop a", "stop side", "stop sandbox"])
    }

    @Test func aContainerThatKeepsEndingWaitsLongerEachTime() {
        var simulation = PodSimulation(pod())
        simulation.look()
        var waits: [Duration] = []
        for attempt in 1...8 {
            simulation.exit("a", code: 1)
            let end = simulation.now
            while !simulation.log.contains("start a \(attempt)"), let wake = simulation.wake {
                simulation.advance(wake - simulation.now)
            }
            waits.append(simulation.now - end)
        }
        #expect(waits == [0, 10, 20, 40, 80, 160, 300, 300].map { .seconds($0) })
        #expect(simulation.status.containerStatuses.first?.restartCount == 8)
    }

    /// Crashes a container four times, then hands the pod over to another daemon.
    private func takenUpAfterFourCrashes() -> PodSimulation {
        var first = PodSimulation(pod())
        first.look()
        for _ in 0..<4 {
            first.exit("a", code: 1)
            first.advance(.seconds(300))
        }
        var second = PodSimulation(pod(), observation: first.observe())
        second.now = first.now
        second.look()
        return second
    }

    @Test func theWaitsGoOnUnderAnotherDaemon() {
        var simulation = takenUpAfterFourCrashes()
        simulation.exit("a", code: 1)
        #expect(simulation.status.containerStatuses.first?.state.waiting?.reason == "CrashLoopBackOff")
        simulation.advance(.seconds(79))
        #expect(!simulation.log.contains("start a 5"))
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("start a 5"))
        simulation.exit("a", code: 1)
        simulation.advance(.seconds(159))
        #expect(!simulation.log.contains("start a 6"))
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("start a 6"))
    }

    @Test func aLongRunEndsTheWaitsUnderAnotherDaemonToo() {
        var simulation = takenUpAfterFourCrashes()
        simulation.advance(.seconds(600))
        simulation.exit("a", code: 1)
        #expect(simulation.log.contains("start a 5"))
    }

    @Test func eachWaitIsToldOnce() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.exit("a", code: 1)
        #expect(!simulation.events.contains("BackOff"))
        simulation.exit("a", code: 1)
        simulation.look()
        #expect(simulation.events.filter { $0 == "BackOff" }.count == 1)
        simulation.advance(.seconds(10))
        simulation.exit("a", code: 1)
        #expect(simulation.events.filter { $0 == "BackOff" }.count == 2)
    }

    @Test func whileItWaitsItSaysCrashLoopBackOff() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.exit("a", code: 1)
        simulation.exit("a", code: 3)
        let status = simulation.status.containerStatuses.first
        #expect(status?.state.waiting?.reason == "CrashLoopBackOff")
        #expect(status?.lastState.terminated?.exitCode == 3)
        #expect(simulation.status.phase == "Running")
    }

    @Test(arguments: [("Never", Int32(0), "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")])
    func aPodThatIsNotRestartedEnds(policy: String, code: Int32, phase: String) {
        var simulation = PodSimulation(pod(restartPolicy: policy))
        simulation.look()
        simulation.exit("a", code: code)
        #expect(simulation.status.phase == phase)
        #expect(simulation.log.last == "stop sandbox")
        #expect(simulation.status.condition("Ready") == "False")
        simulation.advance(.seconds(1_000))
        #expect(!simulation.log.contains("start a 1"))
    }

    @Test func aLostSandboxIsMadeAnew() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.loseSandbox()
        #expect(simulation.log.contains("sandbox 1"))
        #expect(simulation.log.contains("start a 1"))
        #expect(simulation.status.containerStatuses.first?.restartCount == 1)
        #expect(simulation.status.condition("Ready") == "True")
    }

    @Test func aDeletedPodIsStoppedCleanedAndConfirmedInThisOrder() {
        var simulation = PodSimulation(pod(["a", "b"]))
        simulation.look()
        simulation.log = []
        delete(&simulation)
        #expect(simulation.log.prefix(3) == ["stop a", "stop b", "stop sandbox"])
        #expect(simulation.log.contains("clean"))
        #expect(simulation.log.last == "confirm")
        #expect(simulation.containers.isEmpty && simulation.sandboxes.isEmpty)
        #expect(simulation.isFinished)
    }

    @Test func aSecondDeletionWithLessGraceShortensTheStop() {
        var machine = PodSimulation(pod()).machine
        let moment = Moment(wall: Timestamp(.seconds(1_000)), uptime: .seconds(1_000))
        var first = PodSimulation(pod())
        first.look()
        _ = machine.step(.observed(first.observe()), at: moment)
        func stops(_ grace: Int64) -> [PodOperation] {
            var pod = machine.pod
            pod.metadata.deletionTimestamp = moment.wall
            pod.metadata.deletionGracePeriodSeconds = grace
            return machine.step(.updated(pod), at: moment).compactMap {
                if case .perform(let operation) = $0, case .stopContainer = operation { operation } else { nil }
            }
        }
        let stop = PodOperation.stopContainer(id: "a-0", name: "a", grace: .seconds(30))
        #expect(stops(30) == [stop])
        #expect(stops(30).isEmpty)
        let shorter = PodOperation.stopContainer(id: "a-0", name: "a", grace: .seconds(1), isShortened: true)
        #expect(stops(1) == [shorter])
        #expect(stops(5).isEmpty)
        // The first may still wait in a hook: the pod goes on ending without it.
        var ended = first.observe()
        ended.containers[0].state = .exited
        let actions = machine.step(.finished(shorter, .success, ended), at: moment)
        #expect(actions.contains(.perform(.stopSandbox(id: "s0"))))
    }

    @Test func whatHasDoneItsWorkIsNotDoneAgainInANewSandbox() {
        var simulation = PodSimulation(pod(["a", "b"], restartPolicy: "OnFailure"))
        simulation.look()
        simulation.exit("a", code: 0)
        simulation.loseSandbox()
        simulation.advance(.seconds(1))
        #expect(simulation.log.contains("start b 1"))
        #expect(!simulation.log.contains("start a 1"))
        simulation.exit("b", code: 0)
        #expect(simulation.status.phase == "Succeeded")
    }

    @Test func aPodWhoseObjectIsGoneIsTakenAwayWithoutAWord() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.deliver(.removed)
        #expect(!simulation.log.contains("confirm"))
        #expect(simulation.isFinished)
        #expect(simulation.sandboxes.isEmpty)
    }

    @Test func aContainerThatCannotBeMadeSaysWhyAndIsTriedAgain() {
        var simulation = PodSimulation(pod())
        simulation.startFailures["a"] = "configmap \"c\" not found"
        simulation.look()
        let waiting = simulation.status.containerStatuses.first?.state.waiting
        #expect(waiting?.reason == "CreateContainerConfigError")
        #expect(waiting?.message == "configmap \"c\" not found")
        #expect(simulation.messages.contains("Error: configmap \"c\" not found"))
        simulation.startFailures = [:]
        simulation.advance(.seconds(60))
        #expect(simulation.status.phase == "Running")
        #expect(simulation.status.containerStatuses.first?.restartCount == 0)
    }

    private func delete(_ simulation: inout PodSimulation) {
        var pod = simulation.machine.pod
        pod.metadata.deletionTimestamp = Timestamp(simulation.now + .seconds(30))
        pod.metadata.deletionGracePeriodSeconds = 30
        simulation.deliver(.updated(pod))
        simulation.advance(.seconds(1))
    }
}

@Suite struct ProbeTests {
    private func probed(_ build: (inout Container) -> Void) -> PodSimulation {
        let pod = pod {
            var container = $0.spec.containers[0]
            build(&container)
            $0.spec.containers = [container]
        }
        return PodSimulation(pod)
    }

    private func probe(_ period: Int32 = 1, failures: Int32 = 3) -> Probe {
        Probe {
            $0.periodSeconds = period
            $0.failureThreshold = failures
            $0.exec = ExecAction { $0.command = ["true"] }
        }
    }

    @Test func readinessFollowsItsProbe() {
        var simulation = probed { $0.readinessProbe = probe() }
        simulation.health["a/readiness"] = false
        simulation.look()
        #expect(simulation.status.condition("Ready") == "False")
        simulation.health["a/readiness"] = true
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.health["a/readiness"] = false
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.advance(.seconds(3))
        #expect(simulation.status.condition("Ready") == "False")
    }

    @Test func aFailedLivenessProbeRestartsTheContainer() {
        var simulation = probed { $0.livenessProbe = probe() }
        simulation.look()
        simulation.health["a/liveness"] = false
        simulation.advance(.seconds(3))
        #expect(simulation.log.contains("stop a"))
        #expect(simulation.events.contains("Unhealthy") && simulation.events.contains("Killing"))
        simulation.health["a/liveness"] = true
        simulation.advance(.seconds(60))
        #expect(simulation.status.containerStatuses.first?.restartCount == 1)
    }

    @Test func whetherItIsReadyIsAskedUntilItsEnd() {
        var simulation = probed {
            $0.readinessProbe = probe()
            $0.livenessProbe = probe(failures: 1)
        }
        simulation.look()
        #expect(simulation.status.condition("Ready") == "True")
        simulation.holdsStops = true
        simulation.health = ["a/readiness": false, "a/liveness": false]
        var pod = simulation.machine.pod
        pod.metadata.deletionTimestamp = Timestamp(simulation.now + .seconds(30))
        pod.metadata.deletionGracePeriodSeconds = 30
        simulation.deliver(.updated(pod))
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "False")
        simulation.health["a/readiness"] = true
        simulation.advance(.seconds(2))
        #expect(simulation.status.condition("Ready") == "True")
        // The liveness probe says nothing any more.
        #expect(simulation.log.filter { $0 == "stop a" }.count == 1)
        #expect(simulation.events.filter { $0 == "Unhealthy" }.count == 4, "\(simulation.events)")
    }

    @Test func theOthersWaitForTheStartupProbe() {
        var simulation = probed {
            $0.startupProbe = probe(failures: 100)
            $0.livenessProbe = probe(failures: 1)
        }
        simulation.health["a/startup"] = false
        simulation.health["a/liveness"] = false
        simulation.look()
        simulation.advance(.seconds(20))
        #expect(!simulation.log.contains("stop a"))
        #expect(simulation.status.containerStatuses.first?.started == false)
        simulation.health["a/startup"] = true
        simulation.advance(.seconds(3))
        #expect(simulation.log.contains("stop a"))
    }
}

/// What a pod's object says when it goes is the last that anybody reads of its containers.
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

/// A node that was silent for too long has its pods marked as not ready. When it is back it says what is so.
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
