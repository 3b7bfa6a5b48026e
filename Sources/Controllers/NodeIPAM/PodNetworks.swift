import Linux

/// The cluster's pod network and how it is shared out among nodes. A value without I/O.
package struct PodNetworks: Sendable, Hashable {
    /// The addresses of all pods.
    package let cluster: IPv4Network
    /// Prefix length of one node's share.
    package let nodePrefix: UInt8
    /// Nodes whose share is configured, not chosen; nobody else gets it, also before they have registered.
    package let fixed: [String: IPv4Network]

    /// Nil where a node's share would be larger than the whole.
    package init?(cluster: IPv4Network, nodePrefix: UInt8, fixed: [String: IPv4Network] = [:]) {
        guard cluster.prefixLength <= nodePrefix, nodePrefix <= 30 else { return nil }
        self.cluster = cluster
        self.nodePrefix = nodePrefix
        self.fixed = fixed
    }

    /// The share for a node: its fixed one; else `before`, which it had once, where that is free; else the first that is.
    /// - Parameter taken: the shares of all other nodes.
    /// - Returns: nil where all are taken. O(shares of the cluster × taken).
    package func share(for node: String, before: IPv4Network?, taken: [IPv4Network]) -> IPv4Network? {
        if let own = fixed[node] { return own }
        let taken = taken + fixed.values
        func isFree(_ network: IPv4Network) -> Bool { !taken.contains { $0.overlaps(network) } }
        if let before, before.prefixLength == nodePrefix, cluster.contains(before.address), isFree(before) {
            return before
        }
        let count = UInt64(1) << UInt64(nodePrefix - cluster.prefixLength)
        let size = UInt64(1) << UInt64(32 - nodePrefix)
        for place in 0..<count {
            let address = IPv4Address(UInt32(truncatingIfNeeded: UInt64(cluster.address.value) + place * size))
            let network = IPv4Network(address, prefixLength: nodePrefix)
            if isFree(network) { return network }
        }
        return nil
    }
}
