import Linux

/// Where the pods of this node live, and under which name.
package struct PodNetworkConfiguration: Sendable {
    /// The instance's short id. All we own in the kernel bears it.
    package var instance: InstanceName
    /// The addresses of this node's pods (the node's `podCIDR`), a prefix of /16 to /29. Its first address is the node's own.
    package var podNetwork: IPv4Network
    /// The addresses of all pods of the cluster. Traffic within keeps its source address.
    package var clusterNetwork: IPv4Network
    /// The addresses of Services.
    package var serviceNetwork: IPv4Network
    /// Holds which address is whose. Made where it is missing.
    package var stateDirectory: String
    /// Largest packet on pod links, in bytes; nil takes that of the link with the default route.
    package var mtu: UInt32?

    package init(
        instance: InstanceName, podNetwork: IPv4Network, clusterNetwork: IPv4Network, serviceNetwork: IPv4Network,
        stateDirectory: String, mtu: UInt32? = nil
    ) {
        self.instance = instance
        self.podNetwork = podNetwork
        self.clusterNetwork = clusterNetwork
        self.serviceNetwork = serviceNetwork
        self.stateDirectory = stateDirectory
        self.mtu = mtu
    }

    /// The node's address among its pods: their gateway, the source of the host's own traffic to them, and where
    /// services of the node (DNS) can listen.
    package var gateway: IPv4Address { IPv4Address(podNetwork.address.value &+ 1) }

    func check() throws(PodNetworkError) {
        guard (16...29).contains(podNetwork.prefixLength) else {
            throw .invalid("pod network \(podNetwork): give a prefix length of 16 to 29")
        }
        guard clusterNetwork.prefixLength <= podNetwork.prefixLength, clusterNetwork.contains(podNetwork.address) else {
            throw .invalid(
                "this node's share \(podNetwork) is not part of the cluster's network \(clusterNetwork): set cluster-cidr back on "
                    + "the server; or, for a new share, `kubectl delete node` with this node's name, "
                    + "`swiftlet uninstall --keep-data` here, and start again")
        }
        guard !serviceNetwork.contains(podNetwork.address), !podNetwork.contains(serviceNetwork.address) else {
            throw .invalid("service network \(serviceNetwork) and pod network \(podNetwork) overlap")
        }
    }
}

/// The names of what an instance owns in the kernel: `sw-ID-n`, `sw-ID-pN` for links, `swiftlet-ID` for tables.
package struct InstanceName: Hashable, Sendable, CustomStringConvertible {
    package let id: String

    /// - Parameter id: 1 to 6 of `a` to `z` and `0` to `9`; nil for anything else.
    package init?(_ id: String) {
        let isPlain = id.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard (1...6).contains(id.utf8.count), isPlain else { return nil }
        self.id = id
    }

    package var description: String { id }

    /// Every link of ours begins with this.
    package var linkPrefix: String { "sw-\(id)-" }
    /// The link that holds the node's address.
    package var nodeLink: String { linkPrefix + "n" }

    /// The host's end of the link to the pod with the `offset`-th address of the node's pod network.
    package func podLink(offset: UInt32) -> String {
        linkPrefix + "p" + String(offset, radix: 16)
    }

    /// The nftables table of the pod network.
    package var podTable: String { "swiftlet-\(id)" }
    /// The nftables table of the services.
    package var serviceTable: String { "swiftlet-\(id)-services" }
}
