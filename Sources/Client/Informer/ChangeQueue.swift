import APIMachinery

/// The changes that a subscriber has not read yet. Pure.
///
/// Holds at most one change for each object: changes of an object that was not read in between are merged, so a slow
/// reader skips states, never objects. Its size is bounded by the number of objects in the cache and of those deleted
/// since the last reading. An object made anew under an old name is told apart: its end is delivered first.
struct ChangeQueue<Object: APIObject>: Sendable {
    private enum Item: Sendable {
        case change(ObjectKey)
        case synced
    }

    private struct Change: Sendable {
        /// What the subscriber knows.
        var before: Object?
        var after: Object?
    }

    private var items: [Item] = []
    private var head = 0
    private var changes: [ObjectKey: Change] = [:]

    /// Objects with a change to read.
    var count: Int { changes.count }

    mutating func note(_ key: ObjectKey, before: Object?, after: Object?) {
        guard changes[key] == nil else {
            changes[key]?.after = after
            return
        }
        changes[key] = Change(before: before, after: after)
        items.append(.change(key))
    }

    mutating func noteSynced() {
        items.append(.synced)
    }

    mutating func next() -> InformerEvent<Object>? {
        while head < items.count {
            guard case .change(let key) = items[head] else {
                advance()
                return .synced
            }
            guard let change = changes[key] else {
                advance()
                continue
            }
            switch (change.before, change.after) {
            case (let old?, let new?) where old.metadata.uid != new.metadata.uid:
                changes[key]?.before = nil
                return .deleted(old)
            case (let old?, let new?): return finish(key, .updated(old: old, new: new))
            case (let old?, nil): return finish(key, .deleted(old))
            case (nil, let new?): return finish(key, .added(new))
            case (nil, nil):
                changes[key] = nil
                advance()
            }
        }
        return nil
    }

    private mutating func finish(_ key: ObjectKey, _ event: InformerEvent<Object>) -> InformerEvent<Object> {
        changes[key] = nil
        advance()
        return event
    }

    private mutating func advance() {
        head += 1
        guard head >= 64, head * 2 >= items.count else { return }
        items.removeFirst(head)
        head = 0
    }
}
