import APIMachinery
import KubernetesAPI

/// Decides what becomes of an event: a new object, a higher count on an old one, or nothing. Pure.
///
/// The same event again counts up. Many that differ in their message only become one, whose message says so. One
/// object may cause a burst of events, then one every five minutes; repetitions leave a part of it to what is new. It remembers a bounded number of events and
/// objects, the least recent are forgotten first.
struct EventCorrelator: Sendable {
    enum Decision: Sendable, Hashable {
        case create(message: String, key: String)
        case bump(Known, message: String, key: String)
        case drop
    }

    /// The stored event that a repetition counts up.
    struct Known: Sendable, Hashable {
        var name: String
        var namespace: String
        var count: Int32
        var first: Timestamp
    }

    private struct Group: Sendable {
        var messages: Set<String> = []
        var last = Timestamp.epoch
    }

    private struct Budget: Sendable {
        var tokens: Double
        var at: Timestamp
    }

    static let remembered = 4_096
    static let groupSize = 10
    static let groupWindow = Duration.seconds(600)
    static let burst = 25.0
    static let keptForNew = 10.0
    static let refillPerSecond = 1.0 / 300

    private var known = RecentTable<Known>(limit: remembered)
    private var groups = RecentTable<Group>(limit: remembered)
    private var budgets = RecentTable<Budget>(limit: remembered)

    mutating func decide(_ draft: EventDraft, now: Timestamp) -> Decision {
        let similar = isOneOfMany(draft, now)
        let message = similar ? "(combined from similar events): " + draft.message : draft.message
        let key = draft.groupKey + "\u{0}" + (similar ? "" : draft.message)
        let old = known[key]
        guard spend(draft, leaving: old == nil ? 0 : Self.keptForNew, now) else { return .drop }
        guard let old else { return .create(message: message, key: key) }
        return .bump(old, message: message, key: key)
    }

    /// The event was stored under this key of a decision.
    mutating func stored(_ event: Known, key: String) {
        known[key] = event
    }

    private mutating func spend(_ draft: EventDraft, leaving rest: Double, _ now: Timestamp) -> Bool {
        let key = draft.objectKey
        var budget = budgets[key] ?? Budget(tokens: Self.burst, at: now)
        let passed = max(0, Double((now - budget.at).components.seconds))
        budget.tokens = min(Self.burst, budget.tokens + passed * Self.refillPerSecond)
        budget.at = max(budget.at, now)
        let allowed = budget.tokens >= rest + 1
        if allowed { budget.tokens -= 1 }
        budgets[key] = budget
        return allowed
    }

    private mutating func isOneOfMany(_ draft: EventDraft, _ now: Timestamp) -> Bool {
        var group = groups[draft.groupKey] ?? Group()
        if now - group.last > Self.groupWindow { group.messages = [] }
        group.last = now
        if group.messages.count < Self.groupSize { group.messages.insert(draft.message) }
        groups[draft.groupKey] = group
        return group.messages.count >= Self.groupSize
    }
}

extension EventDraft {
    fileprivate var objectKey: String {
        [object.kind, object.namespace, object.name, object.uid].map { $0 ?? "" }.joined(separator: "\u{0}")
    }

    fileprivate var groupKey: String {
        [objectKey, object.fieldPath ?? "", type.rawValue, reason].joined(separator: "\u{0}")
    }
}

/// A table that forgets the least recently used entries over its limit, a quarter at a time.
struct RecentTable<Value: Sendable>: Sendable {
    private let limit: Int
    private var entries: [String: (value: Value, used: Int)] = [:]
    private var clock = 0

    init(limit: Int) {
        self.limit = limit
    }

    subscript(key: String) -> Value? {
        get { entries[key]?.value }
        set {
            clock += 1
            entries[key] = newValue.map { ($0, clock) }
            if entries.count > limit { evict() }
        }
    }

    private mutating func evict() {
        let order = entries.values.map(\.used).sorted()
        let bound = order[order.count / 4]
        entries = entries.filter { $0.value.used > bound }
    }
}
