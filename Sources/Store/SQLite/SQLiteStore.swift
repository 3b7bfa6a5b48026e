import Glibc
import Logging

/// The default store: one SQLite file in write-ahead mode, written by one thread with group commit.
///
/// The newest value of every key is in memory, so `get` and `list` of the newest state touch no disk; older revisions,
/// and watches that resume, are read from the file. Bounds and what happens at them: `SQLiteStoreOptions`.
package final class SQLiteStore: KeyValueStore {
    private let mailbox: Mailbox<SQLiteWriter.Command>
    private let live: LiveState
    private let history: SQLiteHistory
    private let reader: StateReader
    private let ended: Latch

    private init(
        mailbox: Mailbox<SQLiteWriter.Command>, live: LiveState, history: SQLiteHistory, watchLimit: Int, ended: Latch
    ) {
        self.mailbox = mailbox
        self.live = live
        self.history = history
        self.ended = ended
        reader = StateReader(live: live, history: history, watchLimit: watchLimit)
    }

    deinit {
        mailbox.close()
        history.stop()
    }

    /// Opens the store in a directory, which is made where it does not exist, and keeps other processes out of it.
    package static func open(directory: String, options: SQLiteStoreOptions = SQLiteStoreOptions())
        async
        throws(StoreError) -> SQLiteStore
    {
        try makeDirectory(directory)
        let mailbox = Mailbox<SQLiteWriter.Command>(
            itemLimit: options.pendingWrites, costLimit: options.pendingBytes)
        let history = try SQLiteHistory(directory: directory, pendingReads: options.pendingReads)
        let ended = Latch()
        let opened: Result<LiveState, StoreError> = await withCheckedContinuation { continuation in
            do throws(StoreError) {
                try DedicatedThread.start("store-writer") {
                    let opened = write(directory, options, mailbox, history, continuation)
                    if !opened { history.stop() }
                    ended.open()
                }
            } catch {
                history.stop()
                continuation.resume(returning: .failure(error))
            }
        }
        return SQLiteStore(
            mailbox: mailbox, live: try opened.get(), history: history, watchLimit: options.watchLimit, ended: ended)
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
        let result: Result<Revision, StoreError> = await withCheckedContinuation { continuation in
            let receipt = mailbox.put(.write(write, continuation), cost: write.size)
            if let refusal = Self.refusal(receipt) { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    package func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        try reader.watch(prefix: prefix, after: revision)
    }

    package func compact(to revision: Revision) async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            let receipt = mailbox.put(.compact(revision, continuation), cost: 0)
            if let refusal = Self.refusal(receipt) { continuation.resume(returning: .failure(refusal)) }
        }
        try result.get()
    }

    /// Writes that wait are still committed; the directory is free for others on return.
    package func close() async {
        await history.close()
        mailbox.close()
        await ended.wait()
    }

    private static func refusal(_ receipt: Mailbox<SQLiteWriter.Command>.Receipt) -> StoreError? {
        switch receipt {
        case .accepted: nil
        case .full(let waiting): .busy(pending: waiting)
        case .closed: .closed
        }
    }

    /// The writer thread's whole life. False where the store could not be opened.
    private static func write(
        _ directory: String, _ options: SQLiteStoreOptions, _ mailbox: Mailbox<SQLiteWriter.Command>,
        _ history: SQLiteHistory, _ continuation: CheckedContinuation<Result<LiveState, StoreError>, Never>
    ) -> Bool {
        do throws(StoreError) {
            let writer = try SQLiteWriter(
                directory: directory, options: options, mailbox: mailbox, history: history,
                log: Logger(label: "swiftlet.store"))
            continuation.resume(returning: .success(writer.live))
            writer.run()
            return true
        } catch {
            continuation.resume(returning: .failure(error))
            return false
        }
    }

    /// Makes the directory and its parents, for the owner alone, durably.
    private static func makeDirectory(_ directory: String) throws(StoreError) {
        var parent = directory.hasPrefix("/") ? "/" : "."
        for part in directory.split(separator: "/") {
            let path = parent + "/" + part
            if mkdir(path, 0o700) == 0 {
                sync(parent)
            } else if errno != EEXIST {
                throw .io(operation: "make directory \(directory)", message: DirectoryLock.reason(errno))
            }
            parent = path
        }
    }

    /// Without it a power cut could take a new directory away with all that was acknowledged in it.
    private static func sync(_ directory: String) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        Glibc.close(descriptor)
    }
}

extension Write {
    /// Bytes that the write holds while it waits.
    fileprivate var size: Int {
        switch self {
        case .create(let key, let bytes), .update(let key, let bytes, _): key.utf8.count + bytes.count
        case .delete(let key, _): key.utf8.count
        }
    }
}
