import APIMachinery

/// The changes that a subscriber has not read yet. Pure.
///
/// Holds at most one change for each object: changes of an object that was not read in between are merged, so a slow
/// reader skips states, never objects. One that came and went unread is told as deleted: the reader may have met it in
/// the cache meanwhile, and must hear of its end. An object made anew under an old name is another one, and comes after
/// the end of the first. Its size is bounded by the number of objects in the cache and of those deleted since the last
/// reading.
struct ChangeQueue<Object: APIObject>: Sendable {
    private struct Identity: Sendable, Hashable {
        var key: ObjectKey
        var uid: String
    }

    private enum Item: Sendable {
        case change(Identity)
        case synced
    }

    private struct Change: Sendable {
        /// What the subscriber knows.
        var before: Object?
        var newest: Object
        var isGone: Bool
    }

    private var items: [Item] = []
    private var head = 0
    private var changes: [Identity: Change] = [:]

    mutating func note(_ key: ObjectKey, before: Object?, after: Object?) {
        let isSame = before?.metadata.uid == after?.metadata.uid
        if let before, !isSame { merge(key, Change(before: before, newest: before, isGone: true)) }
        if let after { merge(key, Change(before: isSame ? before : nil, newest: after, isGone: false)) }
    }

    private mutating func merge(_ key: ObjectKey, _ change: Change) {
        let identity = Identity(key: key, uid: change.newest.metadata.uid)
        guard changes[identity] == nil else {
            changes[identity]?.newest = change.newest
            changes[identity]?.isGone = change.isGone
            return
        }
        changes[identity] = change
        items.append(.change(identity))
    }

    mutating func noteSynced() {
        items.append(.synced)
    }

    mutating func next() -> InformerEvent<Object>? {
        guard head < items.count else { return nil }
        let item = items[head]
        advance()
        guard case .change(let identity) = item, let change = changes.removeValue(forKey: identity) else {
            return .synced
        }
        if change.isGone { return .deleted(change.before ?? change.newest) }
        return change.before.map { .updated(old: $0, new: change.newest) } ?? .added(change.newest)
    }

    private mutating func advance() {
        head += 1
        guard head >= 64, head * 2 >= items.count else { return }
        items.removeFirst(head)
        head = 0
    }
}
