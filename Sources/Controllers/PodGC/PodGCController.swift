import APIMachinery
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Ends pods of nodes that do not exist: nobody else would ever tell of their end.
struct PodGCController: Sendable {
    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let time: any TimeSource
    private let quarantine: NodeQuarantine
    private let queue: WorkQueue<String>

    /// - Parameter quarantine: how long a node may be missing before its pods go: the view of nodes can lag behind that of pods, and a
    ///   node can come back.
    init(_ context: ControllerContext, quarantine: Duration) {
        client = context.client
        informers = context.informers
        log = context.log
        time = context.time
        self.quarantine = NodeQuarantine(length: quarantine)
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.nodes.waitUntilSynced(), await informers.pods.waitUntilSynced() else { return }
        await withDiscardingTaskGroup { group in
            group.addTask {
                await informers.nodes.follow { before, after in
                    (after ?? before).map { queue.add($0.metadata.name) }
                }
            }
            group.addTask {
                await informers.pods.follow { before, after in
                    guard let node = after?.spec.nodeName, !node.isEmpty, before?.spec.nodeName != node else { return }
                    queue.add(node)
                }
            }
            group.addTask { await queue.reconcile(workers: 1, "podgc", log: log) { try await reconcile($0) } }
        }
    }

    private func reconcile(_ node: String) async throws -> Duration? {
        let pods = informers.pods.list(index: ControllerInformers.byNode, node)
        guard !pods.isEmpty, informers.nodes.get(node) == nil else {
            quarantine.end(for: node)
            return nil
        }
        let wait = quarantine.rest(of: node, at: time.uptime())
        guard wait <= .zero else { return wait }
        guard try await isGone(node) else { return .seconds(1) }
        // What is refused of one pod keeps no other.
        var refusal: Status?
        for pod in pods {
            do throws(Status) { try await end(pod) } catch { refusal = refusal ?? error }
        }
        if let refusal { throw refusal }
        quarantine.end(for: node)
        return nil
    }

    /// The server knows more than this view.
    private func isGone(_ node: String) async throws(Status) -> Bool {
        do throws(Status) {
            _ = try await client.get(Node.self, node)
            return false
        } catch {
            guard error.isReason(.notFound) else { throw error }
            return true
        }
    }

    /// It has failed, for it will never be heard of again: whoever watches it sees that before it goes.
    private func end(_ pod: Pod) async throws(Status) {
        if !pod.isFinished {
            let condition = PodCondition {
                $0.type = "DisruptionTarget"
                $0.status = "True"
                $0.reason = "DeletionByPodGC"
                $0.message = "PodGC: node no longer exists"
                $0.lastTransitionTime = time.now().truncatedToSeconds
            }
            try await client.patchStatus(of: pod, ["phase": "Failed", "conditions": [condition.json]])
        }
        try await client.delete(pod, graceSeconds: 0)
    }
}

/// Nodes that pods name and that are missing, each with the uptime at which its pods go.
final class NodeQuarantine: Sendable {
    private let length: Duration
    /// One entry a node that is missing and has pods.
    private let ends = Mutex<[String: Duration]>([:])

    init(length: Duration) {
        self.length = length
    }

    /// How long the node's pods may still stay. The time begins when this is first asked.
    func rest(of node: String, at now: Duration) -> Duration {
        ends.withLock { ends in
            let end = ends[node] ?? now + length
            ends[node] = end
            return end - now
        }
    }

    /// The node is there, or has no pods.
    func end(for node: String) {
        ends.withLock { $0[node] = nil }
    }
}
