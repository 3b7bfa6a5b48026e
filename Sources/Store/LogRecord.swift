/// One write as the history keeps it.
///
/// `previous` chains the versions of a key, so that an older state, the events of a watch and the rows to compact all
/// come from the records of a revision range, without an index over keys.
struct LogRecord: Sendable, Hashable {
    var kind: StoreEvent.Kind
    var revision: Revision
    var key: String
    /// Empty for a deletion.
    var bytes: [UInt8]
    /// The revision at which the key came to be; for a deletion that of the deleted value.
    var createRevision: Revision
    /// The revision of the key's version before this one, 0 for a creation.
    var previous: Revision
    /// The value of that version, empty for a creation.
    var previousBytes: [UInt8]

    var event: StoreEvent {
        StoreEvent(kind: kind, revision: revision, key: key, bytes: bytes, previousBytes: previousBytes)
    }

    /// The key's state after this write, nil for a deletion.
    var value: StoredValue? {
        guard kind != .deleted else { return nil }
        return StoredValue(key: key, bytes: bytes, createRevision: createRevision, modRevision: revision)
    }
}

/// The earliest change of a key after some revision, with the revision of the version that it replaced (0: none).
struct KeyChange: Sendable, Hashable {
    var key: String
    var previous: Revision
}
