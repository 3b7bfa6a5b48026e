import Synchronization

/// Reads the rows of the past on a thread and a connection of its own, so that a long read holds back no write.
///
/// The connection is opened at the first read. Reads beyond the limit are refused with `StoreError.busy`.
final class SQLiteHistory: History {
    typealias Read = @Sendable (Result<SQLiteFile, StoreError>) -> Void

    private let directory: String
    private let mailbox: Mailbox<Read>
    /// Counts up when the connection must be opened anew.
    private let generation = Atomic<Int>(0)
    private let ended = Latch()

    init(directory: String, pendingReads: Int) throws(StoreError) {
        self.directory = directory
        let mailbox = Mailbox<Read>(itemLimit: pendingReads, costLimit: .max)
        self.mailbox = mailbox
        try DedicatedThread.start("store-reader") { [self] in
            serve()
            ended.open()
        }
    }

    func events(prefix: String, after: Revision, upTo: Revision, limit: Int) async throws(StoreError)
        -> (events: [StoreEvent], through: Revision)
    {
        try await onThread { file throws(StoreError) in
            try file.events(prefix: prefix, after: after, upTo: upTo, limit: limit)
        }
    }

    func changes(prefix: String, after: Revision, upTo: Revision) async throws(StoreError) -> [KeyChange] {
        try await onThread { file throws(StoreError) in
            try file.changes(prefix: prefix, after: after, upTo: upTo)
        }
    }

    func values(at revisions: [Revision]) async throws(StoreError) -> [Revision: StoredValue] {
        try await onThread { file throws(StoreError) in try file.values(at: revisions) }
    }

    /// Makes the next read open the file anew.
    func reopen() {
        generation.add(1, ordering: .sequentiallyConsistent)
    }

    /// Ends the thread without waiting for it.
    func stop() {
        mailbox.close()
    }

    /// Ends the thread after the reads that wait.
    func close() async {
        mailbox.close()
        await ended.wait()
    }

    private func onThread<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteFile) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let receipt = mailbox.put(
                { opened in
                    continuation.resume(
                        returning: opened.flatMap { file in
                            Result { () throws(StoreError) in try body(file) }
                        })
                }, cost: 0)
            switch receipt {
            case .accepted: break
            case .full(let waiting): continuation.resume(returning: .failure(.busy(pending: waiting)))
            case .closed: continuation.resume(returning: .failure(.closed))
            }
        }
        return try result.get()
    }

    private func serve() {
        var open: (file: SQLiteFile, generation: Int)?
        while let reads = mailbox.take(limit: 1, waiting: true) {
            let current = generation.load(ordering: .sequentiallyConsistent)
            if let stale = open, stale.generation != current {
                try? stale.file.close()
                open = nil
            }
            let opened = Result { [open] () throws(StoreError) in
                if let open { return open.file }
                return try SQLiteFile.openForReading(directory)
            }
            if case .success(let file) = opened { open = (file, current) }
            for read in reads { read(opened) }
        }
        try? open?.file.close()
    }
}
