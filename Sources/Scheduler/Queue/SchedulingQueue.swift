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
        /// What users were last told of it, and when.
        var told: (message: String, at: Duration)?
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
    /// Tries before their time, in a second; where more pods back off, the others wait for their time.
    static let earlyTries = 500

    private var entries: [String: Entry] = [:]
    private var active = KeyedHeap<Rank>()
    /// Those that back off or fit nowhere, by when they are tried though nothing happened.
    private var waiting = KeyedHeap<Duration>()
    /// Those of them that may be tried earlier.
    private var early = KeyedHeap<Duration>()
    /// Those that fit nowhere, by what could help.
    private var parked: [ClusterChange: Set<String>] = [:]
    private var turn = 0
    private var earlyWindow = (start: Duration.zero, tries: 0)

    /// Pods by priority, then by age.
    private struct Rank: Sendable, Comparable {
        let priority: Int32
        let since: Duration
        let turn: Int

        static func < (left: Rank, right: Rank) -> Bool {
            (-Int64(left.priority), left.since, left.turn) < (-Int64(right.priority), right.since, right.turn)
        }
    }

    package init() {}

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
        guard let entry = entries.removeValue(forKey: uid) else { return }
        unpark(uid, entry)
        tidy()
    }

    /// The most important pod that is ready, the longest waiting among equals. It is in flight until `park`, `retry` or `remove`.
    package mutating func next(now: Duration) -> Entry? {
        wake(now)
        if let entry = popActive() { return entry }
        // Nothing else to do: a pod that only backs off may as well be tried now.
        guard let early = popEarly(now) else { return nil }
        set(early, .active)
        return popActive()
    }

    private mutating func popActive() -> Entry? {
        while let (_, uid) = active.pop() {
            guard entries[uid]?.state == .active else { continue }
            entries[uid]?.attempts += 1
            set(uid, .inFlight)
            return entries[uid]
        }
        return nil
    }

    /// The pod fits nowhere, until one of `helpedBy` happens.
    package mutating func park(_ uid: String, helpedBy: ClusterChange, now: Duration) {
        guard let entry = entries[uid] else { return }
        unpark(uid, entry)
        entries[uid]?.helpedBy = helpedBy
        set(uid, .unschedulable(since: now))
    }

    /// Something went wrong with the pod: it is tried again after a while.
    package mutating func retry(_ uid: String, now: Duration) {
        let attempts = entries[uid]?.attempts ?? 0
        set(uid, .backoff(until: now + Self.backoff(attempts), canBeEarly: false))
    }

    /// Whether users are to be told why the pod waits: a new reason, or after a long time the old one again.
    package mutating func isNews(_ uid: String, _ message: String, now: Duration) -> Bool {
        if let told = entries[uid]?.told, told.message == message, now - told.at < Self.longestWait { return false }
        entries[uid]?.told = (message, now)
        return true
    }

    /// Users could not be told after all.
    package mutating func wasNotTold(_ uid: String) {
        entries[uid]?.told = nil
    }

    /// The cluster changed: pods that this can help are tried again, after their backoff. O(pods that it can help).
    package mutating func note(_ change: ClusterChange, now: Duration) {
        for helpedBy in parked.keys where !helpedBy.isDisjoint(with: change) {
            for uid in parked[helpedBy] ?? [] {
                guard let entry = entries[uid], case .unschedulable(let since) = entry.state else { continue }
                let due = since + Self.backoff(entry.attempts)
                set(uid, due <= now ? .active : .backoff(until: due, canBeEarly: true))
            }
        }
    }

    /// `next` gives no pod before this unless something happens.
    package var nextWake: Duration? { waiting.first?.key }

    /// 1 s, doubled with each further try, at most 10 s.
    static func backoff(_ attempts: Int) -> Duration {
        .seconds(min(10, 1 << min(max(0, attempts - 1), 4)))
    }

    private mutating func wake(_ now: Duration) {
        while let (due, uid) = waiting.first, due <= now {
            _ = waiting.pop()
            if entries[uid]?.state.due == due { set(uid, .active) }
        }
    }

    private mutating func popEarly(_ now: Duration) -> String? {
        if now - earlyWindow.start >= .seconds(1) { earlyWindow = (now, 0) }
        guard earlyWindow.tries < Self.earlyTries else { return nil }
        while let (until, uid) = early.pop() {
            guard entries[uid]?.state == .backoff(until: until, canBeEarly: true) else { continue }
            earlyWindow.tries += 1
            return uid
        }
        return nil
    }

    private mutating func set(_ uid: String, _ state: State) {
        guard let entry = entries[uid] else { return }
        unpark(uid, entry)
        entries[uid]?.state = state
        if let due = state.due { waiting.push(due, uid) }
        switch state {
        case .active:
            turn += 1
            active.push(Rank(priority: entry.pod.priority, since: entry.since, turn: turn), uid)
        case .backoff(let until, canBeEarly: true): early.push(until, uid)
        case .unschedulable: parked[entry.helpedBy, default: []].insert(uid)
        case .backoff, .inFlight, .gated: break
        }
        tidy()
    }

    private mutating func unpark(_ uid: String, _ entry: Entry) {
        guard case .unschedulable = entry.state else { return }
        parked[entry.helpedBy]?.remove(uid)
        if parked[entry.helpedBy]?.isEmpty ?? false { parked[entry.helpedBy] = nil }
    }

    /// What no longer counts leaves the heaps when it comes up; and all of it, where it has become the greater part.
    private mutating func tidy() {
        let (entries, limit) = (entries, 2 * entries.count + 64)
        while let (due, uid) = waiting.first, entries[uid]?.state.due != due { _ = waiting.pop() }
        if waiting.count > limit { waiting.keep { due, uid in entries[uid]?.state.due == due } }
        if early.count > limit { early.keep { entries[$1]?.state == .backoff(until: $0, canBeEarly: true) } }
        if active.count > limit { active.keep { entries[$1]?.state == .active } }
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
