import Logging

/// The one thread that writes the file of a store.
///
/// Each round takes what has arrived: the writes share one transaction and one sync, then a running compaction makes
/// one step. After a failed commit the file is closed and opened again; until that succeeds writes fail and reads give
/// the last durable state. A commit that a full or read-only disk refused has changed nothing: the file stays open, watches go on, and the next
/// write tries again.
final class SQLiteWriter {
    enum Command: Sendable {
        case write(Write, CheckedContinuation<Result<Revision, StoreError>, Never>)
        case compact(Revision, CheckedContinuation<Result<Void, StoreError>, Never>)
    }

    private struct Compaction {
        var target: Revision
        var waiters: [CheckedContinuation<Result<Void, StoreError>, Never>]
    }

    let live: LiveState
    private let directory: String
    private let options: SQLiteStoreOptions
    private let mailbox: Mailbox<Command>
    private let history: SQLiteHistory
    private let log: Logger
    private let lock: DirectoryLock
    /// Nil after a failure, until the file is open again.
    private var file: SQLiteFile?
    private var purged: Revision
    private var compaction: Compaction?

    init(
        directory: String, options: SQLiteStoreOptions, mailbox: Mailbox<Command>, history: SQLiteHistory, log: Logger
    ) throws(StoreError) {
        lock = try DirectoryLock(directory: directory)
        self.directory = directory
        self.options = options
        self.mailbox = mailbox
        self.history = history
        self.log = log
        let (file, loaded) = try Self.open(directory, options)
        self.file = file
        live = LiveState(loaded.latest)
        purged = loaded.purged
        if loaded.purged < loaded.latest.compacted {
            compaction = Compaction(target: loaded.latest.compacted, waiters: [])
        }
    }

    /// Runs until the mailbox is closed and empty; then the file is whole and closed.
    func run() {
        while let commands = mailbox.take(limit: options.batchLimit, waiting: compaction == nil) {
            perform(commands)
            if compaction != nil { compactOneStep() }
        }
        finishCompaction(.failure(.closed))
        live.close()
        guard let file else { return }
        do throws(StoreError) {
            try file.checkpoint()
            try file.close()
        } catch {
            log.warning("closing the store failed", metadata: ["directory": "\(directory)", "error": "\(error)"])
        }
    }

    private static func open(_ directory: String, _ options: SQLiteStoreOptions) throws(StoreError)
        -> (SQLiteFile, SQLiteFile.Loaded)
    {
        let file = try SQLiteFile.openForWriting(directory)
        do {
            try options.reach(.opened)
        } catch {
            throw .io(operation: "open", message: "\(directory): \(error)")
        }
        // Before the costly load, so that a disk that is still full or broken shows at once.
        try file.checkpoint()
        return (file, try file.load())
    }

    private func perform(_ commands: [Command]) {
        var writes: [(Write, CheckedContinuation<Result<Revision, StoreError>, Never>)] = []
        for command in commands {
            switch command {
            case .write(let write, let continuation): writes.append((write, continuation))
            case .compact(let target, let waiter): begin(compactionTo: target, waiter)
            }
        }
        guard !writes.isEmpty else { return }
        let results = commit(writes.map(\.0))
        for (result, write) in zip(results, writes) { write.1.resume(returning: result) }
        passing(.batchAcknowledged)
    }

    /// One answer for each write, in order.
    private func commit(_ writes: [Write]) -> [Result<Revision, StoreError>] {
        do throws(StoreError) {
            let file = try usableFile()
            let (records, results) = decide(writes, on: try live.latest())
            guard !records.isEmpty else { return results }
            try durably("commit") { () throws(StoreError) in try file.append(records, reach: options.reach) }
            live.publish(records)
            passing(.batchPublished)
            return results
        } catch {
            // What the batch decided, conflicts too, rests on writes that are not durable.
            failUnlessRefused(error)
            return writes.map { _ in .failure(error) }
        }
    }

    private func decide(_ writes: [Write], on latest: LatestState) -> ([LogRecord], [Result<Revision, StoreError>]) {
        var batch = WriteBatch(on: latest)
        let results = writes.map { write in
            Result { () throws(StoreError) in try batch.decide(write) }
        }
        return (batch.records, results)
    }

    private func begin(
        compactionTo target: Revision, _ waiter: CheckedContinuation<Result<Void, StoreError>, Never>
    ) {
        do throws(StoreError) {
            let latest = try live.latest()
            guard target <= latest.revision else { throw .futureRevision(target, current: latest.revision) }
            guard target > purged else { return waiter.resume(returning: .success(())) }
            live.setCompacted(target)
            compaction = Compaction(
                target: max(target, compaction?.target ?? 0), waiters: (compaction?.waiters ?? []) + [waiter])
        } catch {
            waiter.resume(returning: .failure(error))
        }
    }

    private func compactOneStep() {
        guard let target = compaction?.target else { return }
        do throws(StoreError) {
            let file = try usableFile()
            if purged < target {
                purged = try durably("compact") { () throws(StoreError) in
                    try file.compact(
                        to: target, purged: purged, limit: options.compactionStep, reach: options.reach)
                }
            } else if try !file.shrink(pages: options.compactionStep) {
                finishCompaction(.success(()))
            }
        } catch {
            finishCompaction(.failure(error))
            failUnlessRefused(error)
        }
    }

    /// A sync on a read-only file system says nothing: one that was so before refuses, one that became so has taken what nobody knows.
    private func durably<Answer>(
        _ operation: String, _ body: () throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        guard !options.isReadOnly(directory) else { throw .refused(.readOnly, directory: directory) }
        let answer = try body()
        guard !options.isReadOnly(directory) else {
            throw .io(operation: operation, message: "\(directory): the file system has become read-only")
        }
        return answer
    }

    private func finishCompaction(_ result: Result<Void, StoreError>) {
        let waiters = compaction?.waiters ?? []
        compaction = nil
        for waiter in waiters { waiter.resume(returning: result) }
    }

    private func usableFile() throws(StoreError) -> SQLiteFile {
        if let file { return file }
        return try reopen()
    }

    private func failUnlessRefused(_ error: StoreError) {
        if case .refused = error { return }
        fail(error)
    }

    /// After a failed sync the kernel may have dropped what it could not write: nothing in memory is trusted.
    private func fail(_ error: StoreError) {
        guard let broken = file else { return }
        log.error(
            "the store failed and is opened again", metadata: ["directory": "\(directory)", "error": "\(error)"])
        file = nil
        try? broken.close()
        do throws(StoreError) {
            _ = try reopen()
        } catch {
            log.error(
                "the store cannot be opened", metadata: ["directory": "\(directory)", "error": "\(error)"])
        }
    }

    private func reopen() throws(StoreError) -> SQLiteFile {
        history.reopen()
        do {
            try options.reach(.reopening)
        } catch {
            throw .io(operation: "open", message: "\(directory): \(error)")
        }
        let (opened, loaded) = try Self.open(directory, options)
        let last = try live.latest().revision
        guard loaded.latest.revision >= last else {
            throw SQLiteFile.damaged(
                directory, "revision \(last) was durable, now it ends at \(loaded.latest.revision)")
        }
        live.replace(
            loaded.latest,
            cutting: .io(operation: "watch", message: "the store in \(directory) was opened again; resume the watch"))
        purged = loaded.purged
        file = opened
        return opened
    }

    private func passing(_ point: StorePoint) {
        try? options.reach(point)
    }
}
