/// The newest durable state.
struct LatestState: Sendable {
    var index = SortedIndex()
    /// The newest durable revision.
    var revision: Revision = 0
    /// Reads at, and watches after, an older revision than this fail.
    var compacted: Revision = 0

    mutating func apply(_ record: LogRecord) {
        if let value = record.value { index.set(value) } else { index.remove(record.key) }
        revision = record.revision
    }

    /// The revision to read at; nil stands for the newest.
    func readable(_ asked: Revision?) throws(StoreError) -> Revision {
        guard let asked else { return revision }
        guard asked <= revision else { throw .futureRevision(asked, current: revision) }
        guard asked >= compacted else { throw .compacted(revision: compacted) }
        return asked
    }
}
