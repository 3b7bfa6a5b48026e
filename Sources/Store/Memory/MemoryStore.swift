import Synchronization

/// A store that lives and dies with the process, for tests. Every write is durable at once.
///
/// Unbounded: it holds all that was written and not compacted.
package final class MemoryStore: KeyValueStore {
    private let live = LiveState()
    private let log = MemoryHistory()
    private let reader: StateReader

    /// `watchLimit` is the number of events a watcher may have unread before it ends with `.overrun`.
    package init(watchLimit: Int = BufferedWatch.limit) {
        reader = StateReader(live: live, history: log, watchLimit: watchLimit)
    }

    package func revision() async throws(StoreError) -> Revision {
        try live.latest().revision
    }

    package func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        try await reader.get(key, at: revision)
    }

    package func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        try await reader.list(prefix: prefix, at: revision, from: start, limit: limit)
    }

    package func write(_ write: Write) async throws(StoreError) -> Revision {
        let log = log
        return try live.write { latest throws(StoreError) in
            var batch = WriteBatch(on: latest)
            let revision = try batch.decide(write)
            log.append(batch.records)
            return (batch.records, revision)
        }
    }

    package func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        try reader.watch(prefix: prefix, after: revision)
    }

    package func compact(to revision: Revision) async throws(StoreError) {
        let latest = try live.latest()
        guard revision <= latest.revision else { throw .futureRevision(revision, current: latest.revision) }
        guard revision > latest.compacted else { return }
        live.setCompacted(revision)
        log.compact(to: revision)
    }

    package func close() async {
        live.close()
    }
}

/// The records of a `MemoryStore`, in revision order.
final class MemoryHistory: History {
    private let records = Mutex<[LogRecord]>([])

    func append(_ new: [LogRecord]) {
        records.withLock { $0.append(contentsOf: new) }
    }

    func compact(to revision: Revision) {
        records.withLock { records in
            let superseded = Set(records.prefix { $0.revision <= revision }.map(\.previous))
            records.removeAll {
                $0.revision <= revision && ($0.kind == .deleted || superseded.contains($0.revision))
            }
        }
    }

    func events(prefix: String, after: Revision, upTo: Revision, limit: Int) async throws(StoreError)
        -> (events: [StoreEvent], through: Revision)
    {
        let found = range(after, upTo).lazy.filter { ByteKey.hasPrefix($0.key, prefix) }.prefix(limit).map(\.event)
        let events = Array(found)
        return (events, events.count < limit ? upTo : events.last?.revision ?? upTo)
    }

    func changes(prefix: String, after: Revision, upTo: Revision) async throws(StoreError) -> [KeyChange] {
        range(after, upTo).filter { ByteKey.hasPrefix($0.key, prefix) }.map {
            KeyChange(key: $0.key, previous: $0.previous)
        }
    }

    func values(at revisions: [Revision]) async throws(StoreError) -> [Revision: StoredValue] {
        records.withLock { records in
            var values: [Revision: StoredValue] = [:]
            for revision in revisions {
                let place = Self.firstIndex(after: revision - 1, in: records)
                guard place < records.count, records[place].revision == revision else { continue }
                values[revision] = records[place].value
            }
            return values
        }
    }

    private func range(_ after: Revision, _ upTo: Revision) -> [LogRecord] {
        records.withLock { records in
            let first = Self.firstIndex(after: after, in: records)
            let last = Self.firstIndex(after: upTo, in: records)
            return first < last ? Array(records[first..<last]) : []
        }
    }

    private static func firstIndex(after revision: Revision, in records: [LogRecord]) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if records[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
