import APIMachinery

/// The pods that want a node: ready to be tried, waiting out a backoff, or waiting for the cluster to change. Pure.
///
/// Holds each pod once, so it is bounded by the number of pods without a node.
package struct SchedulingQueue: Sendable {
    package struct Entry: Sendable {
        package var pod: PodInfo
        /// How often it was tried.
        package var attempts = 0
        /// When it was first seen, by the caller's uptime; orders pods of one priority.
        var since: Duration
        /// What could help; empty: nothing but its own change.
        var helpedBy: ClusterChange = []
        var state = State.active
    }

    enum State: Sendable, Hashable {
        case active
        /// Until then. A pod that merely did not fit is tried earlier where nothing else is to be done.
        case backoff(until: Duration, canBeEarly: Bool)
        /// Fits nowhere; since the last try.
        case unschedulable(since: Duration)
        /// Its binding is under way.
        case inFlight
        /// Someone holds it back.
        case gated
    }

    /// A pod that fits nowhere is tried again after this even where nothing happened.
    static let longestWait = Duration.seconds(300)

    private var entries: [String: Entry] = [:]
    private var active = PriorityHeap()
    /// Those that back off or fit nowhere.
    private var waiting: Set<String> = []
    /// No pod that waits is due before this.
    private var nextDue: Duration?

    package init() {}

    package var count: Int { entries.count }

    package subscript(_ uid: String) -> Entry? { entries[uid] }

    /// A new pod, or a change of one that waits: that is worth a try at once.
    package mutating func put(_ pod: PodInfo, now: Duration) {
        if let known = entries[pod.uid] {
            guard known.pod != pod, known.state != .inFlight else { return }
            entries[pod.uid]?.pod = pod
        } else {
            entries[pod.uid] = Entry(pod: pod, since: now)
        }
        set(pod.uid, pod.isGated ? .gated : .active)
    }

    package mutating func remove(_ uid: String) {
        entries[uid] = nil
        waiting.remove(uid)
    }

    /// The most important pod that is ready, the longest waiting among equals. It is in flight until `park`, `retry` or `remove`.
    package mutating func next(now: Duration) -> Entry? {
        wake(now)
        if let entry = popActive() { return entry }
        // Nothing else to do: a pod that only backs off may as well be tried now.
        guard let early = earliest() else { return nil }
        set(early, .active)
        return popActive()
    }

    private mutating func popActive() -> Entry? {
        while let uid = active.pop() {
            guard entries[uid]?.state == .active else { continue }
            entries[uid]?.attempts += 1
            set(uid, .inFlight)
            return entries[uid]
        }
        return nil
    }

    /// The pod fits nowhere, until one of `helpedBy` happens.
    package mutating func park(_ uid: String, helpedBy: ClusterChange, now: Duration) {
        entries[uid]?.helpedBy = helpedBy
        set(uid, .unschedulable(since: now))
    }

    /// Something went wrong with the pod: it is tried again after a while.
    package mutating func retry(_ uid: String, now: Duration) {
        let attempts = entries[uid]?.attempts ?? 0
        set(uid, .backoff(until: now + Self.backoff(attempts), canBeEarly: false))
    }

    /// The cluster changed: pods that this can help are tried again, after their backoff. O(pods that wait).
    package mutating func note(_ change: ClusterChange, now: Duration) {
        guard !change.isEmpty else { return }
        for uid in waiting {
            guard let entry = entries[uid], case .unschedulable(let since) = entry.state,
                !entry.helpedBy.isDisjoint(with: change)
            else { continue }
            let due = since + Self.backoff(entry.attempts)
            set(uid, due <= now ? .active : .backoff(until: due, canBeEarly: true))
        }
    }

    /// `next` gives no pod before this unless something happens.
    package var nextWake: Duration? { nextDue }

    /// 1 s, doubled with each further try, at most 10 s.
    static func backoff(_ attempts: Int) -> Duration {
        .seconds(min(10, 1 << min(max(0, attempts - 1), 4)))
    }

    private mutating func wake(_ now: Duration) {
        guard let nextDue, nextDue <= now else { return }
        for uid in waiting {
            if let due = entries[uid]?.state.due, due <= now { set(uid, .active) }
        }
        self.nextDue = waiting.compactMap { entries[$0]?.state.due }.min()
    }

    private func earliest() -> String? {
        waiting.compactMap { uid -> (Duration, String)? in
            guard case .backoff(let until, true) = entries[uid]?.state else { return nil }
            return (until, uid)
        }.min { $0 < $1 }?.1
    }

    private mutating func set(_ uid: String, _ state: State) {
        guard let entry = entries[uid] else { return }
        entries[uid]?.state = state
        if let due = state.due {
            waiting.insert(uid)
            nextDue = min(nextDue ?? due, due)
        } else {
            waiting.remove(uid)
        }
        if state == .active { active.push(uid, priority: entry.pod.priority, since: entry.since) }
    }
}

extension SchedulingQueue.State {
    /// When the pod is tried though nothing happened.
    fileprivate var due: Duration? {
        switch self {
        case .backoff(let until, _): until
        case .unschedulable(let since): since + SchedulingQueue.longestWait
        case .active, .inFlight, .gated: nil
        }
    }
}

/// Pods by priority, then by age. An entry that no longer counts is skipped by whoever pops it.
private struct PriorityHeap: Sendable {
    private struct Item: Sendable {
        let uid: String
        let priority: Int32
        let since: Duration
        let order: Int

        func precedes(_ other: Item) -> Bool {
            (-Int64(priority), since, order) < (-Int64(other.priority), other.since, other.order)
        }
    }

    private var items: [Item] = []
    private var nextOrder = 0

    mutating func push(_ uid: String, priority: Int32, since: Duration) {
        nextOrder += 1
        items.append(Item(uid: uid, priority: priority, since: since, order: nextOrder))
        var child = items.count - 1
        while child > 0, items[child].precedes(items[(child - 1) / 2]) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> String? {
        guard let first = items.first else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2] where child < items.count {
                if items[child].precedes(items[least]) { least = child }
            }
            guard least != parent else { return first.uid }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
