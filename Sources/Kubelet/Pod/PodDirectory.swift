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
        let claim: NodeClaim
        /// It was not admitted, and takes nothing of the node.
        var isRefused: Bool
        /// It has been told to go.
        var isLeaving = false
        /// The same pod named again while it goes (a manifest that was put back): it starts once nothing is left of the first.
        var next: Pod?

        /// - Parameter staticPhase: as `PodDirectory.init` has it.
        func isActive(_ staticPhase: (Pod) -> String?) -> Bool {
            let phase = source == .manifests ? staticPhase(pod) : pod.status.phase
            return !isRefused && !isLeaving && !["Failed", "Succeeded"].contains(phase)
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var synced: Set<Source> = []
        var hasCollected = false
        /// What becomes of a pod that comes while the node ends its pods.
        var refusal: PodTermination?
        /// What the node is short of.
        var pressures: Set<NodePressure> = []
        let settings: PodSettings
        let staticPhase: @Sendable (Pod) -> String?

        /// - Parameter isLeftover: it only goes, and is not asked whether it may come.
        mutating func begin(_ pod: Pod, _ source: Source, isLeftover: Bool = false) -> PodInbox {
            let inbox = PodInbox()
            let claim = NodeClaim(pod.spec)
            // What manifests name at first may run already: no source tells since when.
            let isKnown = source == .manifests && !hasCollected
            let others = isKnown ? [] : entries.values.filter { $0.isActive(staticPhase) }.map(\.claim)
            let refusal = isLeftover ? nil : refusal(of: pod, claim, beside: others)
            if let refusal { inbox.send(.terminated(refusal)) }
            entries[pod.metadata.uid] = Entry(
                pod: pod, source: source, inbox: inbox, claim: claim, isRefused: refusal != nil)
            return inbox
        }

        private func refusal(of pod: Pod, _ claim: NodeClaim, beside others: [NodeClaim]) -> PodTermination? {
            refusal ?? PodTermination.refusal(of: pod, by: settings.sysctls)
                ?? PodTermination.refusal(of: pod, hasAppArmor: settings.hasAppArmor)
                ?? PodTermination.refusal(of: pod, under: pressures)
                ?? PodTermination.refusal(ofForeign: pod)
                ?? PodTermination.refusal(of: pod, claim, beside: others, allocatable: settings.allocatable)
        }
    }

    private enum Command: Sendable {
        case start(Pod, PodInbox)
        case observe(Pod, PodInbox)
        case collect
    }

    private let state: Mutex<State>
    private let executor: PodExecutor
    private let time: any TimeSource
    private let logger: Logger
    private let commands: AsyncStream<Command>
    private let continuation: AsyncStream<Command>.Continuation

    /// - Parameter staticPhase: of a pod from a manifest, whose phase no source tells, as it was told last; nil before.
    init(
        executor: PodExecutor, staticPhase: @escaping @Sendable (Pod) -> String?, time: any TimeSource, logger: Logger
    ) {
        state = Mutex(State(settings: executor.settings, staticPhase: staticPhase))
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
            if let refusal = await executor.refusal(ofMisplaced: pod) {
                state.withLock { $0.entries[pod.metadata.uid]?.isRefused = true }
                inbox.send(.terminated(refusal))
            }
            await PodWorker(executor: executor, time: time).run(pod, inbox: inbox)
            if !Task.isCancelled { ended(pod.metadata.uid, inbox) }
        case .observe(let pod, let inbox):
            if let observation = await executor.observe(pod) { inbox.send(.observed(observation)) }
        case .collect:
            await collectLeftovers()
        }
    }

    // MARK: - Sources

    func set(_ pod: Pod, from source: Source) {
        let start: PodInbox? = state.withLock { state in
            let uid = pod.metadata.uid
            guard var entry = state.entries[uid] else { return state.begin(pod, source) }
            if entry.isLeaving {
                entry.next = pod
            } else {
                entry.pod = pod
                entry.inbox.send(.updated(pod))
            }
            entry.source = source
            state.entries[uid] = entry
            return nil
        }
        if let start { continuation.yield(.start(pod, start)) }
    }

    func remove(_ uid: String, from source: Source) {
        state.withLock { state in
            guard let entry = state.entries[uid], entry.source == source else { return }
            state.entries[uid]?.isLeaving = true
            state.entries[uid]?.next = nil
            if !entry.isLeaving { entry.inbox.send(.removed) }
        }
    }

    /// A source has named all its pods. Once all have, what else the runtime has is left over and goes.
    func synced(_ source: Source) {
        let isDue = state.withLock { state in
            state.synced.insert(source)
            guard state.synced.count == Source.allCases.count, !state.hasCollected else { return false }
            state.hasCollected = true
            return true
        }
        if isDue { continuation.yield(.collect) }
    }

    func runtimeChanged(podUID: String) {
        guard let entry = state.withLock({ $0.entries[podUID] }) else { return }
        continuation.yield(.observe(entry.pod, entry.inbox))
    }

    /// Returns when its task is cancelled.
    func followContainers() async {
        while !Task.isCancelled {
            let events = executor.runtime.containerEvents()
            // What ended before, at start-up or while the stream overflowed, is seen by looking at everything once.
            everythingChanged()
            let begun = time.uptime()
            for await event in events { runtimeChanged(podUID: event.podUID) }
            // A runtime that is away, or has none to tell, ends its stream at once.
            let rest = begun + .seconds(1) - time.uptime()
            if rest > .zero { try? await time.sleep(for: rest) }
        }
    }

    private func everythingChanged() {
        for uid in state.withLock({ Array($0.entries.keys) }) { runtimeChanged(podUID: uid) }
    }

    /// Tells every pod.
    func tellAll(_ event: PodEvent) {
        for inbox in state.withLock({ $0.entries.values.map(\.inbox) }) { inbox.send(event) }
    }

    // MARK: - Looking

    /// The pod of this name, as the node knows it; one that leaves only where no other has the name.
    func pod(named name: String, in namespace: String) -> Pod? {
        state.withLock { state in
            let named = state.entries.values.filter {
                $0.pod.metadata.name == name && $0.pod.metadata.namespace == namespace
            }
            return (named.first { !$0.isLeaving } ?? named.first)?.pod
        }
    }

    /// Whether every source has named its pods.
    var isSynced: Bool {
        state.withLock { $0.hasCollected }
    }

    /// Those that leave are the last: another may have the name of one.
    var pods: [Pod] {
        state.withLock { state in
            (state.entries.values.filter { !$0.isLeaving } + state.entries.values.filter(\.isLeaving)).map(\.pod)
        }
    }

    // MARK: - Endings

    /// From now on no pod is begun: each that comes fails at once.
    func refuse(_ refusal: PodTermination) {
        state.withLock { $0.refusal = refusal }
    }

    /// From now on pods that come are admitted by these.
    func admit(under pressures: Set<NodePressure>) {
        state.withLock { $0.pressures = pressures }
    }

    /// Ends pods by their uids, all at one time. Returns when nothing of them runs, or when the task is cancelled.
    func terminate(_ pods: [String], _ termination: PodTermination) async {
        let inboxes = state.withLock { state in pods.compactMap { state.entries[$0]?.inbox } }
        await withDiscardingTaskGroup { group in
            for inbox in inboxes { group.addTask { await inbox.terminate(termination) } }
        }
    }

    private func ended(_ uid: String, _ inbox: PodInbox) {
        let start: (Pod, PodInbox)? = state.withLock { state in
            guard let entry = state.entries[uid], entry.inbox === inbox else { return nil }
            state.entries[uid] = nil
            return entry.next.map { ($0, state.begin($0, entry.source)) }
        }
        if let start { continuation.yield(.start(start.0, start.1)) }
    }

    /// Takes away the pods that no source names: they were deleted while the daemon was away.
    private func collectLeftovers() async {
        let answer = await executor.untilAnswered {
            try? await executor.runtime.listPodSandboxes(PodSandboxFilter())
        }
        guard let sandboxes = answer else { return }
        var names: [String: PodSandboxMetadata] = [:]
        for sandbox in sandboxes where sandbox.sessionName == nil { names[sandbox.metadata.uid] = sandbox.metadata }
        for uid in await executor.volumes.pods() where names[uid] == nil {
            names[uid] = PodSandboxMetadata(name: uid, uid: uid, namespace: "")
        }
        for (uid, metadata) in names {
            takeAway(Pod(name: metadata.name, namespace: metadata.namespace) { $0.metadata.uid = uid })
        }
    }

    /// Nothing where a source has named the pod by now: one that came while the leftovers were listed runs already.
    func takeAway(_ pod: Pod) {
        let inbox: PodInbox? = state.withLock { state in
            guard state.entries[pod.metadata.uid] == nil else { return nil }
            let inbox = state.begin(pod, .api, isLeftover: true)
            state.entries[pod.metadata.uid]?.isLeaving = true
            return inbox
        }
        guard let inbox else { return }
        logger.info(
            "taking away a pod that no longer exists",
            metadata: ["pod": "\(pod.metadata.namespace)/\(pod.metadata.name)"])
        inbox.send(.removed)
        continuation.yield(.start(pod, inbox))
    }
}
