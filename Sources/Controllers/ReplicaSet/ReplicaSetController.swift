import APIMachinery
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Keeps every ReplicaSet at its number of pods.
struct ReplicaSetController: Sendable {
    /// Sets that are worked on at the same time.
    private static let workers = 4

    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let events: EventRecorder
    private let time: any TimeSource
    private let queue: WorkQueue<ObjectKey>
    private let overlays = OverlayTable()

    init(_ context: ControllerContext) {
        client = context.client
        informers = context.informers
        log = context.log
        events = context.recorder("replicaset-controller")
        time = context.time
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.replicaSets.waitUntilSynced(), await informers.pods.waitUntilSynced(),
            await informers.namespaces.waitUntilSynced()
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            group.addTask {
                await informers.replicaSets.follow { before, after in
                    if after == nil { before.map { overlays.forget($0.metadata.uid) } }
                    (after ?? before).map { queue.add(ObjectKey($0)) }
                }
            }
            group.addTask { await informers.pods.follow { noteChange(of: $0, $1) } }
            group.addTask {
                await queue.reconcile(workers: Self.workers, "replicaset", log: log) { try await reconcile($0) }
            }
        }
    }

    private func noteChange(of before: Pod?, _ after: Pod?) {
        guard PodFacts.differ(before, after) else { return }
        for metadata in [before?.metadata, after?.metadata].compactMap({ $0 }) {
            if let owner = metadata.controller {
                guard owner.kind == ReplicaSet.kind.kind else { continue }
                queue.add(ObjectKey(namespace: metadata.namespace, name: owner.name))
            } else if after != nil {
                noteOrphan(metadata)
            }
        }
    }

    private func noteOrphan(_ metadata: ObjectMeta) {
        let labels = metadata.labels
        for set in informers.replicaSets.list(in: metadata.namespace) where set.spec.selector.matches(labels) {
            queue.add(ObjectKey(set))
        }
    }

    /// Returns when to look again, if at a certain time.
    private func reconcile(_ key: ObjectKey) async throws -> Duration? {
        guard let set = informers.replicaSets.get(key) else { return nil }
        let pods = observedPods(of: set)
        let now = time.now()
        let siblings = Set(siblings(of: set).map { $0.metadata.uid })
        let related = siblings.flatMap { informers.pods.list(index: ControllerInformers.byController, $0) }
        let neighbours = Set(related.map { $0.metadata.uid })
        let plan = ReplicaSetPlan(
            for: set, pods: pods + related, now: now,
            related: {
                neighbours.contains($0.metadata.uid)
            })
        var execution = ReplicaSetExecution(set: set, client: client, events: events, overlays: overlays)
        await execution.carryOut(plan, now: now)
        // In a namespace that is ending nothing can be made, and nothing needs to be.
        if let failure = execution.failure, isLiving(set.metadata.namespace) { throw failure }
        return plan.nextLook.map { $0 - now }
    }

    private func isLiving(_ namespace: String) -> Bool {
        informers.namespaces.get(namespace).map { $0.metadata.deletionTimestamp == nil } ?? false
    }

    /// The set's own pods and the orphans of its namespace, with what was done since the view was made.
    private func observedPods(of set: ReplicaSet) -> [Pod] {
        let version = informers.pods.version
        let owned = informers.pods.list(index: ControllerInformers.byController, set.metadata.uid)
        let orphans = informers.pods.list(index: ControllerInformers.orphans, set.metadata.namespace)
        return overlays.apply(set.metadata.uid, to: owned + orphans, at: version)
    }

    /// The other sets of the same Deployment.
    private func siblings(of set: ReplicaSet) -> [ReplicaSet] {
        guard let owner = set.metadata.controller else { return [] }
        return informers.replicaSets.list(in: set.metadata.namespace).filter {
            $0.metadata.controller?.uid == owner.uid && $0.metadata.uid != set.metadata.uid
        }
    }
}

/// The overlays by ReplicaSet; one that holds nothing any more, or whose set is gone, is dropped.
final class OverlayTable: Sendable {
    private let overlays = Mutex<[String: PodOverlay]>([:])

    func apply(_ uid: String, to pods: [Pod], at version: UInt64) -> [Pod] {
        overlays.withLock { overlays in
            guard var overlay = overlays[uid] else { return pods }
            let result = overlay.apply(to: pods, at: version)
            overlays[uid] = overlay.isEmpty ? nil : overlay
            return result
        }
    }

    func forget(_ uid: String) {
        overlays.withLock { $0[uid] = nil }
    }

    func change(_ uid: String, _ body: (inout PodOverlay) -> Void) {
        overlays.withLock { body(&$0[uid, default: PodOverlay()]) }
    }
}
