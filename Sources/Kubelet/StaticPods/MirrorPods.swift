import APIMachinery
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Shows static pods in the API: keeps one mirror for each, made again when somebody deletes it, replaced when its manifest changes, with the
/// pod's status on it. The pods themselves run whatever becomes of their mirrors.
final class MirrorPods: Sendable {
    private struct State {
        /// By name, as is all here.
        var pods: [ObjectKey: Pod] = [:]
        var mirrors: [ObjectKey: Pod] = [:]
        var statuses: [ObjectKey: PodStatus] = [:]
        /// What was last written, and to which object.
        var written: [ObjectKey: (uid: String, status: PodStatus)] = [:]
        /// When each deleted mirror may be made again.
        var due: [ObjectKey: Duration] = [:]
        var hasSynced = false
    }

    /// kubectl looks a moment after its request whether the object is gone, and waits for ever when it finds another of that name.
    private static let absence = Duration.seconds(1)

    private let client: APIClient
    private let node: String
    private let sink: any PodStatusSink
    private let logger: Logger
    private let time: any TimeSource
    private let state = Mutex(State())
    /// A mirror that cannot be made or written is tried again after 1 s, doubling to 60 s.
    private let queue: WorkQueue<ObjectKey>

    init(client: APIClient, node: String, sink: any PodStatusSink, time: any TimeSource, logger: Logger) {
        self.client = client
        self.node = node
        self.sink = sink
        self.logger = logger
        self.time = time
        queue = WorkQueue(time: time, base: .seconds(1), limit: .seconds(60))
    }

    /// Returns when its task is cancelled.
    func run() async {
        await queue.process { [self] key in
            do throws(OperationError) {
                return try await reconcile(key)
            } catch {
                logger.info("a static pod's mirror waits", metadata: ["pod": "\(key)", "error": "\(error.message)"])
                throw error
            }
        }
    }

    // MARK: - What is known

    func set(_ pod: Pod) {
        change(ObjectKey(pod)) { $0.pods[$1] = pod }
    }

    func remove(uid: String) {
        let key = state.withLock { state in state.pods.first { $0.value.metadata.uid == uid }?.key }
        guard let key else { return }
        change(key) { state, key in
            state.pods[key] = nil
            state.statuses[key] = nil
            state.written[key] = nil
            state.due[key] = nil
        }
    }

    /// The API server has this mirror now, or (nil) no longer.
    func setMirror(_ mirror: Pod?, _ key: ObjectKey) {
        let due = time.uptime() + Self.absence
        change(key) { state, key in
            state.due[key] = mirror == nil && state.mirrors[key] != nil && state.pods[key] != nil ? due : nil
            state.mirrors[key] = mirror
        }
    }

    /// Of a static pod, as its worker told it last; nil before.
    func phase(of pod: Pod) -> String? {
        let key = ObjectKey(pod)
        return state.withLock { state in
            state.pods[key]?.metadata.uid == pod.metadata.uid ? state.statuses[key]?.phase : nil
        }
    }

    /// Every pod that the API has of this node was told of. Before that nothing is made: the mirror may be there.
    func synced() {
        let keys = state.withLock { state in
            state.hasSynced = true
            return Set(state.pods.keys).union(state.mirrors.keys)
        }
        for key in keys { queue.add(key) }
    }

    private func change(_ key: ObjectKey, _ body: (inout State, ObjectKey) -> Void) {
        let isReady = state.withLock { state in
            body(&state, key)
            return state.hasSynced
        }
        if isReady { queue.add(key) }
    }

    // MARK: - What follows

    /// How long to wait before it is looked at again; nil where nothing is left to do.
    private func reconcile(_ key: ObjectKey) async throws(OperationError) -> Duration? {
        let (pod, mirror, due) = state.withLock { ($0.pods[key], $0.mirrors[key], $0.due[key]) }
        switch MirrorPlan(pod, mirror: mirror) {
        case .nothing:
            break
        case .create:
            guard let pod else { break }
            let wait = (due ?? .zero) - time.uptime()
            if due != nil, wait > .zero { return wait }
            try await create(pod)
        case .delete(let uid):
            try await delete(key, uid: uid)
        case .report:
            guard let mirror else { break }
            try await report(mirror, key)
        }
        return nil
    }

    private func create(_ pod: Pod) async throws(OperationError) {
        do throws(Status) {
            let node = try await client.get(Node.self, node)
            _ = try await client.create(MirrorPlan.mirror(of: pod, node: node))
        } catch {
            // It is there, and the watch will say so.
            if error.isReason(.alreadyExists) { return }
            throw OperationError("FailedCreateMirror", error.description)
        }
    }

    private func delete(_ key: ObjectKey, uid: String) async throws(OperationError) {
        let options = DeleteOptions {
            $0.gracePeriodSeconds = 0
            $0.preconditions = Preconditions { $0.uid = uid }
        }
        do throws(Status) {
            try await client.delete(Pod.self, key.name, in: key.namespace, options: options)
        } catch {
            if error.isReason(.notFound) || error.isReason(.conflict) { return }
            throw OperationError("FailedDeleteMirror", error.description)
        }
    }

    /// Writes the pod's status where the object does not have it yet.
    private func report(_ mirror: Pod, _ key: ObjectKey) async throws(OperationError) {
        let uid = mirror.metadata.uid
        let status: PodStatus? = state.withLock { state in
            let written = state.written[key]
            guard let status = state.statuses[key], written?.uid != uid || written?.status != status else { return nil }
            return status
        }
        guard let status else { return }
        try await sink.publish(status, of: mirror)
        state.withLock { $0.written[key] = (uid, status) }
    }

    /// Takes a pod's status, where it is a static pod's.
    fileprivate func take(_ status: PodStatus, of pod: Pod) -> Bool {
        let key = ObjectKey(pod)
        let isStatic = state.withLock { state in
            guard state.pods[key]?.metadata.uid == pod.metadata.uid else { return false }
            state.statuses[key] = status
            return state.hasSynced
        }
        if isStatic { queue.add(key) }
        return isStatic
    }

    fileprivate func isStatic(_ pod: Pod) -> Bool {
        state.withLock { $0.pods[ObjectKey(pod)]?.metadata.uid == pod.metadata.uid }
    }
}

/// Leads static pods' statuses to their mirrors, and all others on.
struct MirroredStatusSink: PodStatusSink {
    let mirrors: MirrorPods
    let sink: any PodStatusSink

    func publish(_ status: PodStatus, of pod: Pod) async throws(OperationError) {
        if mirrors.take(status, of: pod) { return }
        try await sink.publish(status, of: pod)
    }

    func confirmDeletion(of pod: Pod) async throws(OperationError) {
        if mirrors.isStatic(pod) { return }
        try await sink.confirmDeletion(of: pod)
    }
}
