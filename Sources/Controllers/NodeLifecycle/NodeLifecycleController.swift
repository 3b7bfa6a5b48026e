import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import Logging
import Synchronization

/// Watches over nodes: one that is silent for too long is marked, and its pods leave it when they no longer tolerate that.
struct NodeLifecycleController: Sendable {
    private static let leaseNamespace = "kube-node-lease"

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let events: EventRecorder
    private let time: any TimeSource
    private let state: SharedState
    private let queue: WorkQueue<String>

    private final class SharedState: Sendable {
        let health: Mutex<NodeHealth>
        /// `NodePlan.tolerating` by node: one entry a pod of a node with taints.
        let tolerating = Mutex<[String: [String: Duration]]>([:])

        init(_ health: NodeHealth) {
            self.health = Mutex(health)
        }
    }

    init(_ context: ControllerContext, grace: Duration) {
        client = context.client
        informers = context.informers
        log = context.log
        events = context.recorder("node-controller")
        time = context.time
        state = SharedState(NodeHealth(grace: grace))
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.nodes.waitUntilSynced(), await informers.leases.waitUntilSynced(),
            await informers.pods.waitUntilSynced()
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            group.addTask {
                await informers.nodes.follow { before, after in
                    (after ?? before).map { queue.add($0.metadata.name) }
                }
            }
            group.addTask {
                await informers.leases.follow { _, after in
                    guard let metadata = after?.metadata, metadata.namespace == Self.leaseNamespace else { return }
                    queue.add(metadata.name)
                }
            }
            group.addTask { await informers.pods.follow { notePlacement(of: $0, $1) } }
            group.addTask { await queue.reconcile(workers: 2, "nodelifecycle", log: log) { try await reconcile($0) } }
        }
    }

    /// A pod that comes to a node may have to leave it.
    private func notePlacement(of before: Pod?, _ after: Pod?) {
        guard let node = after?.spec.nodeName, !node.isEmpty, before?.spec.nodeName != node else { return }
        queue.add(node)
    }

    private func reconcile(_ name: String) async throws -> Duration? {
        guard let node = informers.nodes.get(name) else {
            state.health.withLock { $0.forget(name) }
            state.tolerating.withLock { $0[name] = nil }
            return nil
        }
        let pods = informers.pods.list(index: ControllerInformers.byNode, name)
        let uptime = time.uptime()
        let lease = informers.leases.get(name, in: Self.leaseNamespace)
        let deadline = state.health.withLock { health in
            health.note(node, lease: lease, now: uptime)
            return health.deadline(name) ?? uptime
        }
        let plan = NodePlan(
            for: node, pods: pods, isLost: deadline <= uptime,
            tolerating: state.tolerating.withLock { $0[name] ?? [:] }, now: time.now(), uptime: uptime)
        state.tolerating.withLock { $0[name] = plan.tolerating.isEmpty ? nil : plan.tolerating }
        var current = node
        // What is refused of one pod keeps no other.
        var refusal: Status?
        for action in plan.actions {
            do throws(Status) {
                try await carryOut(action, &current)
            } catch {
                if action.isOfAPod, error.code < 500 {
                    refusal = refusal ?? error
                    continue
                }
                // What the server could not write for us it could not write for the node.
                if error.code >= 500 { state.health.withLock { $0.excuse(name, now: uptime) } }
                throw error
            }
        }
        let nextLook = [plan.nextLook, deadline > uptime ? deadline : nil].compactMap { $0 }.min()
        let wait = nextLook.map { max($0 - uptime, .milliseconds(1)) }
        if let refusal {
            // Who is due later does not wait for this one's next attempt.
            if let wait { queue.add(name, after: wait) }
            throw refusal
        }
        return wait
    }

    private func carryOut(_ action: NodePlan.Action, _ node: inout Node) async throws(Status) {
        switch action {
        case .updateStatus(let status):
            node.status = status
            node = try await client.updateStatus(node)
            events.record(
                node, .normal, reason: "NodeNotReady", message: "Node \(node.metadata.name) status is now: NodeNotReady"
            )
        case .setTaints(let taints):
            node.spec.taints = taints
            node = try await client.update(node)
        case .markNotReady(let pod): try await markNotReady(pod)
        case .evict(let pod):
            try await markDisrupted(pod)
            try await client.delete(pod)
        }
    }

    private func markDisrupted(_ pod: Pod) async throws(Status) {
        let isMarked = pod.status.conditions.contains {
            $0.type == "DisruptionTarget" && $0.status == "True" && $0.reason == Self.disruption
        }
        guard !isMarked else { return }
        events.record(
            pod, .normal, reason: "TaintManagerEviction", message: "Marking for deletion Pod \(ObjectKey(pod))")
        let condition = PodCondition {
            $0.type = "DisruptionTarget"
            $0.status = "True"
            $0.reason = Self.disruption
            $0.message = "Taint manager: deleting due to NoExecute taint"
            $0.lastTransitionTime = time.now().truncatedToSeconds
        }
        try await client.patchStatus(of: pod, ["conditions": [condition.json]])
    }

    private static let disruption = "DeletionByTaintManager"

    private func markNotReady(_ pod: Pod) async throws(Status) {
        guard var condition = pod.readyCondition else { return }
        condition.status = "False"
        condition.lastTransitionTime = time.now().truncatedToSeconds
        try await client.patchStatus(of: pod, ["conditions": [condition.json]])
    }
}

extension NodePlan.Action {
    fileprivate var isOfAPod: Bool {
        switch self {
        case .evict, .markNotReady: true
        case .updateStatus, .setTaints: false
        }
    }
}
