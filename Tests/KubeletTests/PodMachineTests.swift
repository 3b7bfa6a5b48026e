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
        #expect(simulation.status.initContainerStatuses.last?.state.waiting?.reason == "PodInitializing")
        simulation.exit("one", code: 0)
        #expect(simulation.log.last == "start two 0")
        simulation.exit("two", code: 0)
        #expect(simulation.log.last == "start a 0")
        #expect(simulation.status.condition("Initialized") == "True")
        #expect(simulation.status.condition("Ready") == "True")
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

    @Test func lastWordsAreCutToThePodsShare() {
        let names = (1...6).map { "c\($0)" }
        var simulation = PodSimulation(pod(names, restartPolicy: "Never"))
        simulation.look()
        for index in simulation.containers.indices {
            simulation.containers[index].message = String(repeating: "x", count: 4_096)
        }
        for name in names { simulation.exit(name, code: 0) }
        let messages = simulation.status.containerStatuses.map { $0.state.terminated?.message?.utf8.count }
        #expect(messages == Array(repeating: 2_048, count: 6))
    }

    @Test func whatIsNotHeldIsToldOnceForEachContainer() {
        var simulation = PodSimulation(pod())
        simulation.warnings = ["no memory limit", "no CPU limit"]
        simulation.look()
        simulation.exit("a", code: 1)
        #expect(simulation.log.last == "start a 1")
        #expect(simulation.messages.filter { $0.contains("limit") } == ["no memory limit; no CPU limit"])
        simulation.warnings = ["no process limit"]
        simulation.exit("a", code: 1)
        simulation.advance(.seconds(60))
        #expect(simulation.messages.filter { $0.contains("limit") }.count == 2)
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
        #expect(simulation.events == ["SandboxChanged"])
        #expect(simulation.status.containerStatuses.first?.restartCount == 1)
        #expect(simulation.status.condition("Ready") == "True")
    }

    @Test func aStartThatItsSandboxesLossBreaksOffIsNoFailureOfTheContainer() {
        var simulation = PodSimulation(pod())
        simulation.endlessHooks = ["a"]
        simulation.look()
        simulation.loseSandbox()
        let start = PodOperation.startContainer(name: "a", attempt: 0, images: [:])
        var seen = simulation.observe()
        for index in seen.sandboxes.indices { seen.sandboxes[index].state = .notReady }
        simulation.deliver(.finished(start, .failure(reason: "RunContainerError", message: "being stopped"), seen))
        #expect(!simulation.events.contains("Failed"))
    }

    @Test func aLostSandboxIsToldOfOnceHoweverOftenTheNextFails() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.sandboxFailure = "no room"
        simulation.loseSandbox()
        simulation.advance(.seconds(10))
        #expect(simulation.events.filter { $0 == "FailedCreatePodSandBox" }.count > 1)
        #expect(simulation.events.filter { $0 == "SandboxChanged" }.count == 1)
    }

    @Test func aLostSandboxIsStoppedBeforeWhatItsProcessesUseGoes() {
        var simulation = PodSimulation(pod())
        simulation.look()
        simulation.holdsStops = true
        delete(&simulation)
        simulation.sandboxStopFailure = "a process hangs"
        simulation.loseSandbox()
        simulation.advance(.seconds(30))
        #expect(simulation.events.contains("FailedKillPod"))
        #expect(!simulation.log.contains("clean") && !simulation.log.contains("confirm"))
        simulation.sandboxStopFailure = nil
        simulation.advance(.seconds(60))
        #expect(simulation.log.drop { $0 != "stop sandbox" }.contains("clean"))
        #expect(simulation.log.last == "confirm")
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
