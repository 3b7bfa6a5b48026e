/// Reads and watches over the newest state and a backend's history: the same for every backend.
struct StateReader: Sendable {
    let live: LiveState
    let history: any History
    /// How many events a watcher may have unread, see `StoreWatch`.
    var watchLimit = BufferedWatch.limit

    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        let latest = try live.latest()
        let asked = try latest.readable(revision)
        let current = latest.index[key]
        if asked == latest.revision { return current }
        if let current, current.modRevision <= asked { return current }
        let page = try await past(latest, at: asked, prefix: key, from: key, limit: 1)
        guard let first = page.values.first, ByteKey(first.key) == ByteKey(key) else { return nil }
        return first
    }

    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        let latest = try live.latest()
        let asked = try latest.readable(revision)
        guard asked == latest.revision else {
            return try await past(latest, at: asked, prefix: prefix, from: start, limit: limit)
        }
        return Self.newest(latest, prefix: prefix, from: start, limit: limit)
    }

    func watch(prefix: String, after revision: Revision) throws(StoreError) -> any StoreWatch {
        try BufferedWatch(prefix: prefix, after: revision, live: live, history: history, limit: watchLimit)
    }

    static func newest(_ latest: LatestState, prefix: String, from start: String?, limit: Int) -> StorePage {
        let index = latest.index
        let first = max(ByteKey(start ?? prefix), ByteKey(prefix)).text
        let from = index.lowerBound(of: first)
        let stop = index.upperBound(ofPrefix: prefix)
        let total = index.distance(from: from, to: stop)
        let wanted = limit > 0 ? min(limit, total) : total
        var values: [StoredValue] = []
        values.reserveCapacity(wanted)
        let reached = index.append(from: from, to: stop, limit: wanted, into: &values)
        return StorePage(
            values: values, revision: latest.revision, next: wanted < total ? index[reached]?.key : nil,
            remaining: total - wanted)
    }

    private func past(
        _ latest: LatestState, at revision: Revision, prefix: String, from start: String?, limit: Int
    ) async throws(StoreError) -> StorePage {
        let changes = try await history.changes(prefix: prefix, after: revision, upTo: latest.revision)
        let page = PastPage(index: latest.index, changes: changes, prefix: prefix, from: start, limit: limit)
        let versions = page.entries.compactMap { entry -> Revision? in
            if case .version(_, let written) = entry { return written }
            return nil
        }
        let old = versions.isEmpty ? [:] : try await history.values(at: versions)
        _ = try live.latest().readable(revision)
        var values: [StoredValue] = []
        values.reserveCapacity(page.entries.count)
        for entry in page.entries {
            switch entry {
            case .unchanged(let value): values.append(value)
            case .version(let key, let written):
                guard let value = old[written] else { throw Self.missing(key, written) }
                values.append(value)
            }
        }
        return StorePage(values: values, revision: revision, next: page.next, remaining: page.remaining)
    }

    private static func missing(_ key: String, _ revision: Revision) -> StoreError {
        .io(operation: "read history", message: "the version of \(key) at revision \(revision) is not in the log")
    }
}
