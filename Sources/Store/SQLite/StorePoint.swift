import Glibc

/// The places in a SQLite store's life where a crash or a failing disk makes a difference, for tests.
package enum StorePoint: String, Sendable, Hashable, CaseIterable {
    /// The rows of a batch are in the transaction, which is not committed.
    case batchInserted
    /// The batch is durable, nobody knows.
    case batchCommitted
    /// Readers and watchers see the batch, its writers were not told.
    case batchPublished
    /// The writers of the batch were told.
    case batchAcknowledged
    /// A step of a compaction has deleted rows in a transaction, which is not committed.
    case compactionDeleted
    /// A step of a compaction is durable.
    case compactionCommitted
    /// The file is about to be opened again after a failure.
    case reopening
    /// The file is open, its log was not yet moved into the database file.
    case opened
}

/// Where a SQLite store keeps its bounds, and what tests put in its way.
package struct SQLiteStoreOptions: Sendable {
    /// Writes that may wait for the disk. One more is refused with `StoreError.busy`.
    package var pendingWrites = 4_096
    /// Bytes of values that may wait for the disk; a single larger write is still taken alone.
    package var pendingBytes = 64 << 20
    /// Writes that share one transaction.
    package var batchLimit = 512
    /// Reads of the history that may wait. One more is refused with `StoreError.busy`.
    package var pendingReads = 1_024
    /// Rows that one step of a compaction looks at; writes wait for one step at most.
    package var compactionStep = 256
    /// Events that a watcher may have unread.
    package var watchLimit = BufferedWatch.limit
    /// Called on the writer's thread. An error thrown is taken for a failure of the disk.
    package var reach: @Sendable (StorePoint) throws -> Void = { _ in }
    /// Whether the file system of the directory is read-only. A file that was open before that is still written to, and its sync does nothing and
    /// succeeds (ext4).
    package var isReadOnly: @Sendable (_ directory: String) -> Bool = { directory in
        var status = statvfs()
        return statvfs(directory, &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
    }

    package init() {}
}
