import Glibc
import JSONTree
import Linux
import Synchronization

/// The ledger of pulls, as it lies on disk: what a call changed is durable when it returns.
///
/// It wants a thread of its own, since it waits for a disk that stalls.
final class PullRecords: Sendable {
    private let directory: String
    private let threads: BlockingThreads
    /// Nil until the file has been read. Never held over a call that blocks.
    private let ledger: Mutex<PullLedger?>
    /// Held by who reads or writes the file: what is in it, once that is known.
    private let file = Mutex<JSONValue?>(nil)

    private var path: String { directory + "/pulled-images.json" }

    /// - Parameter directory: empty: the ledger is kept in memory alone, and no thread is used.
    init(directory: String, threads: BlockingThreads) {
        self.directory = directory
        self.threads = threads
        ledger = Mutex(directory.isEmpty ? PullLedger() : nil)
    }

    func access(
        to image: String, of repository: String, as id: String
    ) async throws(KernelError) -> ImageAccess {
        try await known().access(to: image, of: repository, as: id)
    }

    /// `PullLedger.isUnsettled`.
    func isUnsettled() async throws(KernelError) -> Bool { try await known().isUnsettled }

    private func known() async throws(KernelError) -> PullLedger {
        if let known = ledger.withLock({ $0 }) { return known }
        return try await threads.run("read pull records") { [self] () throws(KernelError) in
            try file.withLock { written throws(KernelError) in try current(&written) }
        }
    }

    /// Changes the ledger and writes it down. Where that fails it is changed in memory alone: what the file says less than that is taken for a pull whose
    /// end was not seen.
    func change(_ body: @escaping @Sendable (inout PullLedger) -> Void) async throws(KernelError) {
        if directory.isEmpty {
            ledger.withLock { ledger in
                var after = ledger ?? PullLedger()
                body(&after)
                ledger = after
            }
            return
        }
        try await threads.run("write pull records") { [self] () throws(KernelError) in
            try file.withLock { written throws(KernelError) in
                var after = try current(&written)
                body(&after)
                ledger.withLock { [after] in $0 = after }
                let json = after.json
                guard json != written else { return }
                try WholeFile.makeDirectories(directory)
                try WholeFile.replace(path, with: json.encoded(), durable: true)
                written = json
            }
        }
    }

    private func current(_ written: inout JSONValue?) throws(KernelError) -> PullLedger {
        if let known = ledger.withLock({ $0 }) { return known }
        let read = try read()
        written = read.json
        ledger.withLock { $0 = read }
        return read
    }

    private func read() throws(KernelError) -> PullLedger {
        let bytes: [UInt8]
        do throws(KernelError) {
            bytes = try WholeFile.read(path, limit: 64 << 20)
        } catch {
            guard error.code == ENOENT else { throw error }
            return PullLedger()
        }
        guard let value = try? JSONValue(parsing: bytes), let ledger = PullLedger(value) else {
            throw KernelError(
                "read", "\(path), which is damaged: delete it, and what is on the node counts as brought by hand",
                EINVAL)
        }
        return ledger
    }
}
