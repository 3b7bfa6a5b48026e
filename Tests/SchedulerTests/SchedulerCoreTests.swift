import APIMachinery
import KubernetesAPI
import Testing

@testable import Scheduler

@Suite struct SchedulerCoreTests {
    @Test func saysWhyNothingFits() {
        var core = Made.core([
            Made.node("a", cpu: 1), Made.node("b") { $0.spec.unschedulable = true },
            Made.node("c") { node in
                node.spec.taints = [
                    Taint {
                        $0.key = "gpu"
                        $0.value = "only"
                        $0.effect = "NoSchedule"
                    }
                ]
            },
        ])
        #expect(
            Made.message(of: Made.pod("big", milliCPU: 2_000), in: &core)
                == "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {gpu: only}, "
                + "1 node(s) were unschedulable.")
        #expect(core.next(now: .zero) == nil)
    }

    @Test func saysThatThereIsNoNode() {
        var core = SchedulerCore()
        #expect(Made.message(of: Made.pod("a"), in: &core) == "no nodes available to schedule pods")
    }

    @Test func roomThatComesBackIsUsed() {
        var core = Made.core([Made.node("a", cpu: 1)])
        #expect(Made.placement(of: Made.pod("first", milliCPU: 800), in: &core) == "a")
        core.bound("first", now: .zero)
        #expect(Made.message(of: Made.pod("second", milliCPU: 800), in: &core) != nil)
        core.noteNode(Made.node("a", cpu: 1, labels: ["new": "label"]), now: .seconds(1))
        #expect(core.next(now: .seconds(1)) == nil, "a label does not help")
        core.notePodGone("first", now: .seconds(2))
        guard case .bind(let pod, node: "a")? = core.next(now: .seconds(2)) else {
            Issue.record("the second pod still waits")
            return
        }
        #expect(pod.name == "second")
    }

    @Test func whyAPodWaitsIsSaidOnceAndAgainAfterALongTime() {
        var core = Made.core([Made.node("a", cpu: 1)])
        #expect(Made.message(of: Made.pod("big", milliCPU: 2_000), in: &core) != nil)
        func tryAgain(at now: Duration) -> SchedulerCore.Decision? {
            core.noteNode(Made.node("a", cpu: 1, pods: 110 + now.components.seconds), now: now)
            return core.next(now: now)
        }
        for second in 1..<60 {
            guard case .stillWait? = tryAgain(at: .seconds(second)) else {
                Issue.record("second \(second): not tried, or said again")
                return
            }
        }
        guard case .wait? = tryAgain(at: .seconds(301)) else {
            Issue.record("not said again")
            return
        }
        core.wasNotTold("big")
        guard case .wait? = tryAgain(at: .seconds(302)) else {
            Issue.record("what was not said is not said again")
            return
        }
    }

    @Test func manyPodsThatFitNowhereAreNotAllTriedAtEveryChange() {
        var core = Made.core([Made.node("a", cpu: 1)])
        for number in 0..<600 { core.notePod(Made.pod("big-\(number)", milliCPU: 2_000), now: .zero) }
        func tries(at now: Duration) -> Int {
            var count = 0
            while core.next(now: now) != nil { count += 1 }
            return count
        }
        #expect(tries(at: .zero) == 600)
        var early = 0
        for change in 0..<10 {
            core.notePod(Made.pod("small") { $0.spec.nodeName = "a" }, now: .milliseconds(10 + change))
            core.notePodGone("small", now: .milliseconds(10 + change))
            early += tries(at: .milliseconds(10 + change))
        }
        #expect(early == 500)
        // All others in their time.
        #expect(tries(at: .seconds(3)) >= 100)
        // One that comes now waits for none of them.
        core.notePodGone("small", now: .seconds(4))
        #expect(Made.placement(of: Made.pod("new", milliCPU: 100), in: &core, now: .seconds(4)) == "a")
    }

    @Test func aRefusedBindingGivesTheRoomBack() {
        var core = Made.core([Made.node("a", cpu: 1)])
        #expect(Made.placement(of: Made.pod("pod", milliCPU: 800), in: &core) == "a")
        core.bindingFailed("pod", now: .zero)
        #expect(core.cache["a"]?.requested.milliCPU == 0)
        #expect(core.next(now: .milliseconds(999)) == nil)
        #expect(core.nextWake == .seconds(1))
        guard case .bind? = core.next(now: .seconds(1)) else {
            Issue.record("the pod is not tried again")
            return
        }
    }

    @Test func importantPodsGoFirst() {
        var core = Made.core([Made.node("a")])
        core.notePod(Made.pod("low"), now: .zero)
        core.notePod(Made.pod("high") { $0.spec.priority = 10 }, now: .seconds(1))
        guard case .bind(let first, _)? = core.next(now: .seconds(1)) else {
            Issue.record("nothing is placed")
            return
        }
        #expect(first.name == "high")
    }

    @Test func gatedPodsWait() {
        var core = Made.core([Made.node("a")])
        let gated = Made.pod("pod") { $0.spec.schedulingGates = [PodSchedulingGate { $0.name = "example.com/wait" }] }
        #expect(Made.placement(of: gated, in: &core) == nil)
        #expect(Made.placement(of: Made.pod("pod"), in: &core) == "a")
    }
}
