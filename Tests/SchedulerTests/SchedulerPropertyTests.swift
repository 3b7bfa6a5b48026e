import APIMachinery
import KubernetesAPI
import TestSupport
import Testing

@testable import Scheduler

/// Random histories: whatever happens, no node is given more than it has, and no pod that fits waits for ever.
@Suite struct SchedulerPropertyTests {
    @Test(arguments: UInt64(1)...12)
    func nodesAreNeverOverfull(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<300 {
            world.step()
            world.check("seed \(seed)")
        }
        world.settle()
        world.check("seed \(seed)")
        world.checkThatWaitingPodsDoNotFit("seed \(seed)")
    }
}

private struct World {
    private var random: SeededRandom
    private var core = SchedulerCore()
    private var now = Duration.zero
    private var nodes: [String: Int64] = [:]
    private var waiting: [String: Pod] = [:]
    private var placed: [String: Pod] = [:]
    private var next = 0

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func step() {
        now += .milliseconds(Int.random(in: 0...400, using: &random))
        switch Int.random(in: 0..<10, using: &random) {
        case 0...4: addPod()
        case 5: removePod()
        case 6 where nodes.count < 6: addNode()
        case 7: resizeNode()
        default: break
        }
        decide(at: Int.random(in: 0...3, using: &random))
    }

    private mutating func addPod() {
        next += 1
        let pod = Made.pod("pod-\(next)", milliCPU: Int64.random(in: 1...8, using: &random) * 250)
        waiting[pod.metadata.uid] = pod
        core.notePod(pod, now: now)
    }

    private mutating func removePod() {
        guard let uid = placed.keys.sorted().randomElement(using: &random) else { return }
        placed[uid] = nil
        core.notePodGone(uid, now: now)
    }

    private mutating func addNode() {
        nodes["node-\(nodes.count)"] = 0
        resizeNode(named: "node-\(nodes.count - 1)")
    }

    private mutating func resizeNode() {
        guard let name = nodes.keys.sorted().randomElement(using: &random) else { return }
        resizeNode(named: name)
    }

    private mutating func resizeNode(named name: String) {
        // Nodes only grow: what runs on one that shrinks stays.
        let cpu = (nodes[name] ?? 0) + Int64.random(in: 1...3, using: &random)
        nodes[name] = cpu
        core.noteNode(Made.node(name, cpu: cpu), now: now)
    }

    /// Takes some decisions, or all; some bindings fail.
    private mutating func decide(at most: Int) {
        for _ in 0..<most {
            guard let decision = core.next(now: now) else { return }
            guard case .bind(let pod, let node) = decision else { continue }
            if Int.random(in: 0..<8, using: &random) == 0 {
                core.bindingFailed(pod.uid, now: now)
                continue
            }
            core.bound(pod.uid, now: now)
            guard var object = waiting.removeValue(forKey: pod.uid) else {
                Issue.record("a pod is bound twice")
                return
            }
            object.spec.nodeName = node
            placed[pod.uid] = object
            core.notePod(object, now: now)
        }
    }

    mutating func settle() {
        for _ in 0..<200 {
            decide(at: 100)
            guard let wake = core.nextWake, wake < now + .seconds(60) else { return }
            now = max(now, wake)
        }
    }

    func check(_ comment: Comment) {
        var used: [String: Int64] = [:]
        for pod in placed.values { used[pod.spec.nodeName ?? "", default: 0] += Self.milliCPU(pod) }
        for (name, amount) in used { #expect(amount <= (nodes[name] ?? 0) * 1_000, comment) }
    }

    func checkThatWaitingPodsDoNotFit(_ comment: Comment) {
        let free = nodes.map { name, cpu in
            cpu * 1_000 - placed.values.filter { $0.spec.nodeName == name }.reduce(0) { $0 + Self.milliCPU($1) }
        }
        for pod in waiting.values {
            let fits = free.contains { $0 >= Self.milliCPU(pod) }
            #expect(!fits, comment)
        }
    }

    private static func milliCPU(_ pod: Pod) -> Int64 {
        PodInfo(pod).requests.milliCPU
    }
}
