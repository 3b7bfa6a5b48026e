/// A page of a listing at an older revision, planned from the newest state and the changes since.
///
/// Pure. The newest state holds every key that did not change since; a key that did is listed at the version which its
/// earliest change replaced.
struct PastPage {
    enum Entry: Sendable, Hashable {
        case unchanged(StoredValue)
        /// The version of a key that was written at this revision.
        case version(key: String, revision: Revision)

        var key: String {
            switch self {
            case .unchanged(let value): value.key
            case .version(let key, _): key
            }
        }
    }

    private(set) var entries: [Entry] = []
    private(set) var next: String?
    private(set) var remaining = 0

    private let index: SortedIndex
    private let changed: [ByteKey: Revision]
    /// The changed keys that existed then, in order.
    private let older: [(key: ByteKey, revision: Revision)]
    private var position: SortedIndex.Position
    private let stop: SortedIndex.Position
    private var olderNext: Int

    /// `changes` are those after the asked revision, under the prefix, oldest first. A `limit` of 0 lists all.
    init(index: SortedIndex, changes: [KeyChange], prefix: String, from start: String?, limit: Int) {
        var changed: [ByteKey: Revision] = [:]
        for change in changes where changed[ByteKey(change.key)] == nil {
            changed[ByteKey(change.key)] = change.previous
        }
        let first = ByteKey(start ?? prefix)
        self.index = index
        self.changed = changed
        older = changed.filter { $0.value != 0 }.map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
        stop = index.upperBound(ofPrefix: prefix)
        // A start behind all keys of the prefix is their end.
        position = min(index.lowerBound(of: max(first, ByteKey(prefix)).text), stop)
        olderNext = older.firstIndex { !($0.key < first) } ?? older.count
        fill(limit: limit)
    }

    private mutating func fill(limit: Int) {
        while let entry = nextEntry() {
            if limit > 0, entries.count == limit {
                next = next ?? entry.key
                remaining += 1
            } else {
                entries.append(entry)
            }
        }
    }

    private mutating func nextEntry() -> Entry? {
        skipChanged()
        let current = position == stop ? nil : index[position]
        guard olderNext < older.count else { return current.map { take($0) } }
        let old = older[olderNext]
        if let current, ByteKey(current.key) < old.key { return take(current) }
        olderNext += 1
        return .version(key: old.key.text, revision: old.revision)
    }

    private mutating func take(_ value: StoredValue) -> Entry {
        position = index.position(after: position)
        return .unchanged(value)
    }

    private mutating func skipChanged() {
        guard !changed.isEmpty else { return }
        while position != stop, let value = index[position], changed[ByteKey(value.key)] != nil {
            position = index.position(after: position)
        }
    }
}
