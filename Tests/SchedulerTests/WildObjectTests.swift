import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Scheduler

/// Decisions survive whatever is stored.
@Suite struct WildObjectTests {
    @Test(arguments: UInt64(1)...6) func nothingTraps(seed: UInt64) {
        var wild = WildValues(seed: seed)
        var core = SchedulerCore()
        var bound = 0
        for step in 0..<60 {
            var node = Node(storage: wild.object(Node.schema))
            node.metadata.name = "node-\(step % 4)"
            node.spec.unschedulable = false
            node.spec.taints = []
            let amounts = ["cpu", "memory"].map { ($0, Quantity(step % 2 == 0 ? Int64.max : Int64(step))) }
            node.status.allocatable = Dictionary(uniqueKeysWithValues: amounts + [("pods", 110)])
            core.noteNode(node, now: .seconds(step))
            var pod = Pod(storage: wild.object(Pod.schema))
            pod.metadata.uid = "pod-\(step)"
            pod.spec.schedulerName = "default-scheduler"
            if step % 3 == 0 { pod.spec.nodeName = "node-\(step % 5)" }
            core.notePod(pod, now: .seconds(step))
            while let decision = core.next(now: .seconds(step)) {
                guard case .bind(let pod, _) = decision else { continue }
                bound += 1
                core.bound(pod.uid, now: .seconds(step))
            }
            if step % 7 == 0 { core.notePodGone("pod-\(step / 2)", now: .seconds(step)) }
            if step % 11 == 0 { core.noteNodeGone("node-\(step % 4)") }
        }
        #expect(bound > 0, "seed \(seed): nothing was placed at all")
    }
}
