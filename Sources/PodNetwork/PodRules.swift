import Linux

/// The pod network's own nftables table, made anew as a whole at each start.
struct PodRules {
    let configuration: PodNetworkConfiguration

    var transaction: NFTables.Transaction {
        var transaction = NFTables.Transaction.replacing(table: configuration.instance.podTable)
        let multicast = IPv4Network(IPv4Address(224, 0, 0, 0), prefixLength: 4)
        transaction.add(
            .init("postrouting", base: .init(.nat, .postrouting, priority: 100)),
            [
                // What leaves the cluster leaves with the node's address.
                NFTables.Rule(
                    .match(.source(configuration.podNetwork)),
                    .match(.destination(configuration.clusterNetwork, negated: true)),
                    .match(.destination(multicast, negated: true)),
                    .match(.outputLink(prefix: configuration.instance.linkPrefix, negated: true)), .masquerade)
            ])
        // An address that no pod holds has no route; without this its packets would leave by the default route.
        let stray: [NFTables.Statement] = [
            .match(.destination(configuration.podNetwork)),
            .match(.outputLink(prefix: configuration.instance.linkPrefix, negated: true)),
            // A packet of the host to a service still counts as leaving by the link of its old destination.
            .match(.isDestinationOriginal), .match(.destinationIsLocal(false)),
        ]
        let refuse = [
            NFTables.Rule(stray + [.match(.transport(.tcp)), .reset]), NFTables.Rule(stray + [.reject]),
        ]
        transaction.add(.init("forward", base: .init(.filter, .forward, priority: 0)), refuse)
        transaction.add(.init("output", base: .init(.filter, .output, priority: 0)), refuse)
        return transaction
    }
}
