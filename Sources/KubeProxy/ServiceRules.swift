import Linux

/// The fixed part of the services' nftables table: chains, and the sets that services put their elements into.
///
/// A packet to a service costs one look-up whatever the number of services: address, protocol and port lead to a chain
/// that picks one of N endpoints, and from one map for all services comes that endpoint. A connection's first packet alone
/// takes this way; the kernel's connection tracking carries the rest.
struct ServiceRules: Sendable {
    let table: String
    /// All addresses of services: refused where no service has them.
    let serviceNetwork: IPv4Network
    /// All addresses of pods: they keep their own as the source.
    let clusterNetwork: IPv4Network

    static let frontendKey: [NFTables.Selector] = [.destinationAddress, .transport, .destinationPort]
    static let nodeKey: [NFTables.Selector] = [.transport, .destinationPort]

    static let services = NFTables.NamedSet("services", key: [.address, .transport, .port], data: .verdict)
    static let nodePorts = NFTables.NamedSet("node-ports", key: [.transport, .port], data: .verdict)
    static let endpoints = NFTables.NamedSet(
        "endpoints", key: [.address, .transport, .port, .number], data: .values([.address, .port]))
    static let nodeEndpoints = NFTables.NamedSet(
        "node-endpoints", key: [.transport, .port, .number], data: .values([.address, .port]))
    static let hairpin = NFTables.NamedSet("hairpin", key: [.address, .address])
    static let remote = NFTables.NamedSet("remote", key: [.address, .transport, .port])
    static let refused = NFTables.NamedSet("refused", key: [.address, .transport, .port])
    static let refusedNodePorts = NFTables.NamedSet("refused-node-ports", key: [.transport, .port])
    static let affine = NFTables.NamedSet("affine", key: [.address, .transport, .port, .address, .port])
    static let nodeAffine = NFTables.NamedSet("node-affine", key: [.transport, .port, .address, .port])
    static let insideEndpoints = endpoints.named("inside-endpoints")
    static let insideNodeEndpoints = nodeEndpoints.named("inside-node-endpoints")
    static let insideAffine = affine.named("inside-affine")
    static let insideNodeAffine = nodeAffine.named("inside-node-affine")

    /// In the order of `Claim.setIndex`.
    static let sets = [
        services, nodePorts, endpoints, nodeEndpoints, hairpin, remote, refused, refusedNodePorts, affine, nodeAffine,
        insideEndpoints, insideNodeEndpoints, insideAffine, insideNodeAffine,
    ]

    /// The table with its sets and chains and no service yet, in place of whatever was there.
    var base: NFTables.Transaction {
        var transaction = NFTables.Transaction.replacing(table: table)
        transaction.operations += Self.sets.map { .addSet($0) }
        let loopback = IPv4Network(IPv4Address(127, 0, 0, 0), prefixLength: 8)
        transaction.add(
            .init("services"),
            [
                NFTables.Rule(.verdictMap(Self.frontendKey, map: Self.services.name)),
                NFTables.Rule(
                    .match(.destination(loopback, negated: true)), .match(.destinationIsLocal()),
                    .verdictMap(Self.nodeKey, map: Self.nodePorts.name)),
            ])
        for hook in [NFTables.Chain.Hook.prerouting, .output] {
            transaction.add(
                .init(hook.rawValue, base: .init(.nat, hook, priority: -100)),
                [NFTables.Rule(.verdict(.jump("services")))])
        }
        transaction.add(.init("postrouting", base: .init(.nat, .postrouting, priority: 99)), masquerade)
        transaction.add(.init("refuse"), refusal)
        for hook in [NFTables.Chain.Hook.input, .forward, .output] {
            transaction.add(
                .init("refuse-\(hook.rawValue)", base: .init(.filter, hook, priority: 0)),
                [NFTables.Rule(.match(.isNewConnection), .verdict(.jump("refuse")))])
        }
        return transaction
    }

    private var masquerade: [NFTables.Rule] {
        [
            // A pod that reaches itself through a service must not see its own address come in.
            NFTables.Rule(
                .match(.isDestinationTranslated),
                .match(.member([.sourceAddress, .destinationAddress], of: Self.hairpin.name)), .masquerade),
            // What came from outside for an endpoint elsewhere must come back through this node.
            NFTables.Rule(
                .match(.isDestinationTranslated), .match(.source(clusterNetwork, negated: true)),
                .match(.member(Self.frontendKey, of: Self.remote.name)), .masquerade),
        ]
    }

    private var refusal: [NFTables.Rule] {
        let conditions: [[NFTables.Statement]] = [
            [.match(.destination(serviceNetwork))],
            [.match(.member(Self.frontendKey, of: Self.refused.name))],
            [.match(.member(Self.nodeKey, of: Self.refusedNodePorts.name)), .match(.destinationIsLocal())],
        ]
        return conditions.flatMap {
            [NFTables.Rule($0 + [.match(.transport(.tcp)), .reset]), NFTables.Rule($0 + [.reject])]
        }
    }
}

extension NFTables.NamedSet {
    /// One of the same type.
    fileprivate func named(_ name: String) -> Self { Self(name, key: key, data: data) }
}

extension Picker {
    private var key: [NFTables.Selector] { isForNode ? ServiceRules.nodeKey : ServiceRules.frontendKey }
    private var client: [NFTables.Selector] { [.sourceAddress] + key }

    /// Which endpoint each client had, for services with affinity of this duration.
    var memory: NFTables.NamedSet? {
        affinitySeconds.map {
            NFTables.NamedSet(
                "\(isForNode ? "node-" : "")clients-\($0)",
                key: isForNode ? [.address, .transport, .port] : [.address, .address, .transport, .port],
                data: .values([.address, .port]), timeoutSeconds: $0)
        }
    }

    /// - Parameter network: the addresses of pods.
    func rules(inside network: IPv4Network) -> [NFTables.Rule] {
        let endpoints = isForNode ? ServiceRules.nodeEndpoints : ServiceRules.endpoints
        let affine = isForNode ? ServiceRules.nodeAffine : ServiceRules.affine
        let outside = count > 0 ? choice(of: count, endpoints, affine) : []
        guard let insideCount else { return outside.map { NFTables.Rule($0) } }
        let inside = choice(
            of: insideCount, isForNode ? ServiceRules.insideNodeEndpoints : ServiceRules.insideEndpoints,
            isForNode ? ServiceRules.insideNodeAffine : ServiceRules.insideAffine)
        let sources: [NFTables.Match] = [.source(network), .sourceIsLocal]
        return sources.flatMap { source in inside.map { NFTables.Rule(.match(source), $0) } }
            + outside.map { NFTables.Rule($0) }
    }

    private func choice(
        of count: UInt32, _ endpoints: NFTables.NamedSet, _ affine: NFTables.NamedSet
    ) -> [NFTables.Statement] {
        let slot = key + [.random(below: count)]
        guard let memory else { return [.destinationMap(slot, map: endpoints.name)] }
        return [
            .rememberedDestination(client, memory: memory.name, valid: key, among: affine.name),
            .destinationMapRemembered(slot, map: endpoints.name, memory: memory.name, as: client),
        ]
    }
}

extension Claim {
    /// The place in `ServiceRules.sets` of the set the element belongs to.
    var setIndex: Int {
        switch self {
        case .frontend(.address): 0
        case .frontend(.node): 1
        case .slot(.address, .all, _): 2
        case .slot(.node, .all, _): 3
        case .hairpin: 4
        case .remote: 5
        case .refused(.address): 6
        case .refused(.node): 7
        case .affine(.address, .all, _, _): 8
        case .affine(.node, .all, _, _): 9
        case .slot(.address, .inside, _): 10
        case .slot(.node, .inside, _): 11
        case .affine(.address, .inside, _, _): 12
        case .affine(.node, .inside, _, _): 13
        }
    }

    func element(_ data: ClaimData) -> NFTables.Element {
        switch data {
        case .present: NFTables.Element(key)
        case .picker(let picker): NFTables.Element(key, .verdict(.goto(picker.chain)))
        case .endpoint(let address, let port): NFTables.Element(key, .values([.address(address), .port(port)]))
        }
    }

    private var key: [NFTables.Value] {
        switch self {
        case .frontend(let frontend), .refused(let frontend): frontend.key
        case .slot(let frontend, _, let slot): frontend.key + [.number(slot)]
        case .hairpin(let address): [.address(address), .address(address)]
        case .remote(let address, let transport, let port): [.address(address), .transport(transport), .port(port)]
        case .affine(let frontend, _, let address, let port): frontend.key + [.address(address), .port(port)]
        }
    }
}

extension Frontend {
    fileprivate var key: [NFTables.Value] {
        switch self {
        case .address(let address, let transport, let port): [.address(address), .transport(transport), .port(port)]
        case .node(let transport, let port): [.transport(transport), .port(port)]
        }
    }
}
