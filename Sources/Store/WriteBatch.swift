/// Decides the writes of one batch against the durable state and the writes before them in the batch.
///
/// Pure: nothing is done until the records are durable. A write that fails takes no revision and touches nothing.
struct WriteBatch {
    private let durable: LatestState
    private var pending: [ByteKey: StoredValue?] = [:]
    private(set) var records: [LogRecord] = []
    private var revision: Revision

    init(on durable: LatestState) {
        self.durable = durable
        revision = durable.revision
    }

    /// The revision that the write will have once it is durable.
    mutating func decide(_ write: Write) throws(StoreError) -> Revision {
        switch write {
        case .create(let key, let bytes):
            if let current = current(key) { throw .exists(key: key, modRevision: current.modRevision) }
            append(.created, key, bytes, after: nil)
        case .update(let key, let bytes, let expected):
            append(.updated, key, bytes, after: try matching(key, expected))
        case .delete(let key, let expected):
            append(.deleted, key, [], after: try matching(key, expected))
        }
        return revision
    }

    private func current(_ key: String) -> StoredValue? {
        if let written = pending[ByteKey(key)] { return written }
        return durable.index[key]
    }

    private func matching(_ key: String, _ expected: Revision) throws(StoreError) -> StoredValue {
        guard let current = current(key) else { throw .conflict(key: key, actual: nil) }
        guard current.modRevision == expected else { throw .conflict(key: key, actual: current.modRevision) }
        return current
    }

    private mutating func append(_ kind: StoreEvent.Kind, _ key: String, _ bytes: [UInt8], after old: StoredValue?) {
        revision += 1
        let record = LogRecord(
            kind: kind, revision: revision, key: key, bytes: bytes, createRevision: old?.createRevision ?? revision,
            previous: old?.modRevision ?? 0, previousBytes: old?.bytes ?? [])
        records.append(record)
        pending[ByteKey(key)] = .some(record.value)
    }
}
