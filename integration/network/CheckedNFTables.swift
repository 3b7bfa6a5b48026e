import Glibc
import Linux
import Synchronization

/// The kernel, with every transaction also applied in memory, and its text kept for nft(8) to judge.
final class CheckedNFTables: NFTablesBackend {
    let memory = MemoryNFTables()
    private let kernel = KernelNFTables()
    private let file: String
    private let refusesNext = Atomic(false)

    init(file: String) {
        self.file = file
    }

    /// Has the next transaction fail as if the kernel refused it.
    func refuseNext() { refusesNext.store(true, ordering: .relaxed) }

    func apply(_ transaction: NFTables.Transaction) throws(NFTablesError) {
        if refusesNext.exchange(false, ordering: .relaxed) {
            throw NFTablesError(table: transaction.table, operation: "", code: ENOMEM)
        }
        try memory.apply(transaction)
        try kernel.apply(transaction)
        // Rules with a remembered destination have no form in nft's grammar.
        let text = transaction.description + "\n"
        guard !text.contains(" that"), !text.contains("sticky"), !text.contains("clients") else { return }
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    func tables() throws(NFTablesError) -> [String] { try kernel.tables() }
}
