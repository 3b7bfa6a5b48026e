import Linux

/// The pod network's own nftables table, made anew as a whole at each start.
struct PodRules {
    let configuration: PodNetworkConfiguration
    let hostPorts: HostPortTable

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
        addHostPorts(to: &transaction)
        return transaction
    }

    private func addHostPorts(to transaction: inout NFTables.Transaction) {
        transaction.operations += [HostPortTable.everywhere, HostPortTable.addressed, HostPortTable.hairpin].map {
            .addSet($0)
        }
        let loopback = IPv4Network(IPv4Address(127, 0, 0, 0), prefixLength: 8)
        let isOurs = NFTables.Statement.match(.inputLink(prefix: configuration.instance.linkPrefix))
        // Links of pods with a port of the node route loopback addresses, for the host's own way to those ports. No pod may use them: this stands
        // before the translation of addresses, so that answers, which get theirs there, pass.
        transaction.add(
            .init("loopback", base: .init(.filter, .prerouting, priority: -300)),
            [
                NFTables.Rule(isOurs, .match(.destination(loopback)), .verdict(.drop)),
                NFTables.Rule(isOurs, .match(.source(loopback)), .verdict(.drop)),
            ])
        let key: [NFTables.Selector] = [.transport, .destinationPort]
        // The gateway is the node as its pods know it: cluster DNS answers there, and no pod may take its place.
        let gateway = IPv4Network(configuration.gateway, prefixLength: 32)
        transaction.add(
            .init("host-ports"),
            [
                NFTables.Rule(.destinationMap([.destinationAddress] + key, map: HostPortTable.addressed.name)),
                NFTables.Rule(
                    .match(.destination(gateway, negated: true)), .match(.destinationIsLocal()),
                    .destinationMap(key, map: HostPortTable.everywhere.name)),
            ])
        for hook in [NFTables.Chain.Hook.prerouting, .output] {
            // After the services, which have -100: a node port of theirs comes first.
            transaction.add(
                .init("host-ports-\(hook.rawValue)", base: .init(.nat, hook, priority: -99)),
                [NFTables.Rule(.verdict(.jump("host-ports")))])
        }
        transaction.add(
            .init("host-ports-postrouting", base: .init(.nat, .postrouting, priority: 98)),
            [
                NFTables.Rule(
                    .match(.isDestinationTranslated), .match(.source(loopback)),
                    .match(.outputLink(prefix: configuration.instance.linkPrefix)), .source(configuration.gateway)),
                // A pod that reaches itself through the node must not see its own address come in.
                NFTables.Rule(
                    .match(.isDestinationTranslated),
                    .match(.member([.sourceAddress, .destinationAddress], of: HostPortTable.hairpin.name)), .masquerade),
            ])
        hostPorts.appendElements(to: &transaction)
    }
}
