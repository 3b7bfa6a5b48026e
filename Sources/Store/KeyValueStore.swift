/// A revision: one write is one revision, over all keys. Revisions only grow; the first write is 1.
package typealias Revision = Int64

/// A value as it is stored, with the revisions of its key.
package struct StoredValue: Sendable, Hashable {
    package var key: String
    package var bytes: [UInt8]
    package var createRevision: Revision
    package var modRevision: Revision

    package init(key: String, bytes: [UInt8], createRevision: Revision, modRevision: Revision) {
        self.key = key
        self.bytes = bytes
        self.createRevision = createRevision
        self.modRevision = modRevision
    }
}

/// One write, guarded by the state its writer saw.
package enum Write: Sendable, Hashable {
    /// Fails with `.exists` where the key is there.
    case create(key: String, bytes: [UInt8])
    /// Fails with `.conflict` unless the key's modRevision is this one.
    case update(key: String, bytes: [UInt8], expecting: Revision)
    /// Fails with `.conflict` unless the key's modRevision is this one.
    case delete(key: String, expecting: Revision)
}

package struct StoreEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case created, updated, deleted }
    package var kind: Kind
    /// The revision of this write. For a deletion it is the deletion's own.
    package var revision: Revision
    package var key: String
    /// The value after the write; empty for a deletion.
    package var bytes: [UInt8]
    /// The value before the write; empty for a creation.
    package var previousBytes: [UInt8]

    package init(kind: Kind, revision: Revision, key: String, bytes: [UInt8], previousBytes: [UInt8]) {
        self.kind = kind
        self.revision = revision
        self.key = key
        self.bytes = bytes
        self.previousBytes = previousBytes
    }
}

/// A page of a listing, as of `revision`.
package struct StorePage: Sendable {
    package var values: [StoredValue]
    package var revision: Revision
    /// Where the next page starts, nil on the last one.
    package var next: String?
    /// How many more values follow this page.
    package var remaining: Int

    package init(values: [StoredValue], revision: Revision, next: String?, remaining: Int) {
        self.values = values
        self.revision = revision
        self.next = next
        self.remaining = remaining
    }
}

/// A revisioned key-value store with watch, in etcd's place.
///
/// A write is acknowledged only when it is durable. A watcher sees every event after its revision, in order, once,
/// and only after it is durable. One conflict never aborts the other writes of its batch.
package protocol KeyValueStore: Sendable {
    /// The newest durable revision.
    func revision() async throws(StoreError) -> Revision
    /// The value of a key, nil where it does not exist, as of `revision` or (nil) now.
    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue?
    /// The values whose key starts with `prefix`, in byte order of the keys, from the key `start` on, at most `limit`
    /// (0: all).
    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    /// Returns the write's revision once it is durable. `.io` leaves the outcome open: the write may turn out done.
    func write(_ write: Write) async throws(StoreError) -> Revision
    /// The events after `revision` under `prefix`. Throws `.compacted` where they are gone.
    func watch(prefix: String, after revision: Revision) async throws(StoreError) -> StoreWatch
    /// Forgets the history before `revision`; the newest value of each key stays. Reading at and watching after
    /// `revision` itself still work. Returns at once where that much is forgotten already.
    func compact(to revision: Revision) async throws(StoreError)
    func close() async
}

/// A running watch. It holds at most a stated number of undelivered events; a watcher that falls further behind is
/// ended with `StoreError.overrun` and lists anew. Letting go of the last reference ends it too.
package protocol StoreWatch: Sendable {
    /// The next events, in revision order, never empty; nil once the store is closed. Read by one task.
    func next() async throws(StoreError) -> [StoreEvent]?
    func cancel()
}

package enum StoreError: Error, Sendable, Hashable {
    case exists(key: String, modRevision: Revision)
    /// `actual` is nil where the key does not exist.
    case conflict(key: String, actual: Revision?)
    case compacted(revision: Revision)
    case futureRevision(Revision, current: Revision)
    case overrun
    case cancelled
    case closed
    /// More work is waiting than the store takes; nothing was done, and the call can be made again later.
    case busy(pending: Int)
    /// The disk took nothing, and the store is as it was; the call can be made again when the cause is gone.
    case refused(DiskRefusal, directory: String)
    /// The data directory was written by another version, or is damaged.
    case incompatible(String)
    case io(operation: String, message: String)
}

/// Why a disk takes no write.
package enum DiskRefusal: String, Sendable, Hashable {
    case full
    case readOnly
}
