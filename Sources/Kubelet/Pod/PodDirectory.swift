import APIMachinery
import CRI
import KubernetesAPI
import Logging
import Synchronization

/// The pods of this node and their workers. One worker a pod, from the moment a source names it until nothing of it is left here.
final class PodDirectory: Sendable {
    enum Source: Sendable, Hashable, CaseIterable {
        case api, manifests
    }

    private struct Entry {
        var pod: Pod
        var source: Source
        var inbox: PodInbox
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var synced: Set<Source> = []
        var hasCollected = false
    }

    private enum Command: Sendable {
        case start(Pod, PodInbox)
        case observe(Pod, PodInbox)
        case collect(known: Set<String>)
    }

    private let state = Mutex(State())
    private let executor: PodExecutor
    private let time: any TimeSource
    private let logger: Logger
    private let commands: AsyncStream<Command>
    private let continuation: AsyncStream<Command>.Continuation

    init(executor: PodExecutor, time: any TimeSource, logger: Logger) {
        self.executor = executor
        self.time = time
        self.logger = logger
        // Bounded by what feeds it: one start a pod, one observation a container event, one collection in all.
        (commands, continuation) = AsyncStream.makeStream()
    }

    /// Runs the workers. Returns when its task is cancelled; the pods run on.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await command in commands {
                group.addTask { [self] in await carryOut(command) }
            }
            group.cancelAll()
        }
    }

    private func carryOut(_ command: Command) async {
        switch command {
        case .start(let pod, let inbox):
            await PodWorker(executor: executor, time: time, logger: logger).run(pod, inbox: inbox)
            if !Task.isCancelled { ended(pod.metadata.uid, inbox) }
        case .observe(let pod, let inbox):
            inbox.send(.observed(await executor.observe(pod)))
        case .collect(let known):
            await collectLeftovers(known)
        }
    }

    // MARK: - Sources

    func set(_ pod: Pod, from source: Source) {
        let start: (Pod, PodInbox)? = state.withLock { state in
            let uid = pod.metadata.uid
            if let entry = state.entries[uid] {
                state.entries[uid]?.pod = pod
                state.entries[uid]?.source = source
                entry.inbox.send(.updated(pod))
                return nil
            }
            let inbox = PodInbox()
            state.entries[uid] = Entry(pod: pod, source: source, inbox: inbox)
            return (pod, inbox)
        }
        if let start { continuation.yield(.start(start.0, start.1)) }
    }

    func remove(_ uid: String, from source: Source) {
        state.withLock { state in
            guard let entry = state.entries[uid], entry.source == source else { return }
            entry.inbox.send(.removed)
        }
    }

    /// A source has named all its pods. Once all have, what else the runtime has is left over and goes.
    func synced(_ source: Source) {
        let known: Set<String>? = state.withLock { state in
            state.synced.insert(source)
            guard state.synced.count == Source.allCases.count, !state.hasCollected else { return nil }
            state.hasCollected = true
            return Set(state.entries.keys)
        }
        if let known { continuation.yield(.collect(known: known)) }
    }

    func runtimeChanged(podUID: String) {
        guard let entry = state.withLock({ $0.entries[podUID] }) else { return }
        continuation.yield(.observe(entry.pod, entry.inbox))
    }

    func everythingChanged() {
        for uid in state.withLock({ Array($0.entries.keys) }) { runtimeChanged(podUID: uid) }
    }

    // MARK: - Looking

    /// The pod of this name, as the node knows it.
    func pod(named name: String, in namespace: String) -> Pod? {
        state.withLock { state in
            state.entries.values.map(\.pod).first { $0.metadata.name == name && $0.metadata.namespace == namespace }
        }
    }

    var pods: [Pod] {
        state.withLock { $0.entries.values.map(\.pod) }
    }

    // MARK: - Endings

    private func ended(_ uid: String, _ inbox: PodInbox) {
        state.withLock { state in
            if state.entries[uid]?.inbox === inbox { state.entries[uid] = nil }
        }
    }

    /// Takes away the pods that no source names: they were deleted while the daemon was away.
    private func collectLeftovers(_ known: Set<String>) async {
        let sandboxes = (try? await executor.runtime.listPodSandboxes(PodSandboxFilter())) ?? []
        var names: [String: PodSandboxMetadata] = [:]
        for sandbox in sandboxes { names[sandbox.metadata.uid] = sandbox.metadata }
        for uid in await executor.volumes.pods() where names[uid] == nil {
            names[uid] = PodSandboxMetadata(name: uid, uid: uid, namespace: "")
        }
        for (uid, metadata) in names where !known.contains(uid) {
            logger.info(
                "taking away a pod that no longer exists", metadata: ["pod": "\(metadata.namespace)/\(metadata.name)"])
            let pod = Pod(name: metadata.name, namespace: metadata.namespace) { $0.metadata.uid = uid }
            set(pod, from: .api)
            remove(uid, from: .api)
        }
    }
}
