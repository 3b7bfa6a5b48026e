import Linux

/// What a start takes over of the addresses that are held on disk. A value without I/O.
struct KeptAddresses {
    private(set) var pool: AddressPool
    private(set) var hostPorts = HostPortTable()
    /// Those that cannot be kept. No pod uses them.
    private(set) var former: [AddressDirectory.Held] = []

    /// - Parameters:
    ///   - network: that the addresses were given out of; nil where that is not known.
    ///   - links: the names of the host's.
    /// - Throws: `invalid` where an address that cannot be kept has its link: its pod runs.
    init(
        _ held: [AddressDirectory.Held], in network: IPv4Network?, configuration: PodNetworkConfiguration,
        links: [String]
    ) throws(PodNetworkError) {
        let own = configuration.podNetwork
        let instance = configuration.instance
        pool = AddressPool(network: own)
        for one in held {
            // Another first address means another gateway and other names of the links.
            if (network ?? own).address == own.address, pool.adopt(one.sandbox, one.address) {
                _ = hostPorts.take(one.sandbox, one.address, one.ports, table: instance.podTable)
                continue
            }
            let isLinked = links.contains { link in
                network.map { link == instance.podLink(offset: one.address.value &- $0.address.value) }
                    ?? instance.isLink(link, of: one.address)
            }
            guard network == own || !isLinked else {
                throw .invalid(Self.refusal(of: own, before: network, address: one.address))
            }
            former.append(one)
        }
    }

    private static func refusal(of own: IPv4Network, before: IPv4Network?, address: IPv4Address) -> String {
        let setting = before.map { "pod-cidr=\($0)" } ?? "the former pod-cidr"
        return "this node's pods are to be in \(own), and some that run have addresses of "
            + "\(before.map(\.description) ?? "another network"), such as \(address): start it with \(setting) "
            + "(an agent with its former node-name and a token), or end them first with `swiftlet uninstall --keep-data`"
    }
}
