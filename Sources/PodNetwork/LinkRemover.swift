import Glibc
import Linux

/// Deletes links on a thread of its own.
actor LinkRemover {
    private nonisolated let executor = ThreadExecutor(name: "link-remover")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func delete(_ name: String) throws(NetlinkError) { try Self.deleteIfPresent(name) }

    /// The calling thread waits for the kernel. A link that is not there is as good as one that was deleted.
    static func deleteIfPresent(_ name: String) throws(NetlinkError) {
        do throws(NetlinkError) {
            try RouteSocket().deleteLink(name: name)
        } catch  where error.code == ENODEV {
            return
        }
    }
}
