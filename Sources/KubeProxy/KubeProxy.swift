import Linux
import Logging

/// Keeps the kernel's rules equal to the services: each change is one nftables transaction with that change alone.
///
/// Runs on a thread of its own, since the kernel may hold a transaction up for as long as others hold its lock.
package actor KubeProxy {
    private nonisolated let executor = ThreadExecutor(name: "kube-proxy")
    private let backend: any NFTablesBackend
    private let connections: ConnectionTable?
    private let logger: Logger
    private var table: ServiceTable
    /// False until the first transaction, and after one that failed: then the next one makes the table anew.
    private var isInSync = false
    /// The ports that changed since the last transaction that succeeded.
    private var owed: Set<ProxiedPortName> = []
    /// What these contributed at that transaction.
    private var owedBefore: [ProxiedPortName: Contribution] = [:]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - table: the name of the nftables table, ours alone.
    ///   - serviceNetwork: the addresses of services.
    ///   - clusterNetwork: the addresses of pods.
    ///   - connections: where flows to endpoints that are gone are ended; nil leaves them.
    package init(
        table: String, serviceNetwork: IPv4Network, clusterNetwork: IPv4Network, backend: any NFTablesBackend,
        connections: ConnectionTable?, logger: Logger
    ) {
        let rules = ServiceRules(table: table, serviceNetwork: serviceNetwork, clusterNetwork: clusterNetwork)
        self.table = ServiceTable(rules: rules)
        self.backend = backend
        self.connections = connections
        self.logger = logger
    }

    /// Takes over the new state of some ports of services (nil: the port is gone) and brings it into the kernel.
    ///
    /// The first call makes the table anew, whatever an earlier daemon left, in one transaction: give it everything that
    /// is known. After an error the state is kept, and the next call, also an empty one, makes the table anew.
    package func update(_ ports: [ProxiedPortName: ProxiedPort?]) throws(NFTablesError) {
        for name in ports.keys where owed.insert(name).inserted { owedBefore[name] = table.contributions[name] }
        var transaction = table.update(ports)
        let isRebuilt = !isInSync
        if isRebuilt { transaction = table.rebuild() }
        if !transaction.isEmpty {
            isInSync = false
            try backend.apply(transaction)
            isInSync = true
            logger.debug(
                "services applied",
                metadata: [
                    "ports": "\(ports.count)", "operations": "\(transaction.operations.count)", "whole": "\(isRebuilt)",
                ])
            forgetConnections(table.staleConnections(owed, before: owedBefore))
        }
        owed = []
        owedBefore = [:]
    }

    /// Says that the rules are behind the services.
    func report(_ error: NFTablesError) {
        logger.error("services not applied; traffic goes by the last rules", metadata: ["error": "\(error)"])
    }

    /// A flow left over costs one client a time-out; it must not hold back the rules.
    private func forgetConnections(_ stale: StaleConnections) {
        guard let connections, !stale.isEmpty else { return }
        do throws(NetlinkError) {
            let count = try connections.forget { stale.contains($0) }
            if count > 0 { logger.debug("flows to former endpoints ended", metadata: ["count": "\(count)"]) }
        } catch {
            logger.warning("flows to former endpoints go on", metadata: ["error": "\(error)"])
        }
    }

    /// Puts the table back where someone else deleted it (a firewall's service that starts with `flush ruleset`).
    package func restoreIfMissing() throws(NFTablesError) {
        guard isInSync, !(try backend.tables().contains(table.rules.table)) else { return }
        logger.warning("the services' nftables table was deleted by someone else; it is made anew")
        isInSync = false
        try update([:])
    }
}
