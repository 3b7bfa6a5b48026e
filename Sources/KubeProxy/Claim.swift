import Linux

/// Where packets to a service arrive.
enum Frontend: Hashable, Sendable {
    case address(IPv4Address, TransportProtocol, UInt16)
    /// Every address of this node.
    case node(TransportProtocol, UInt16)
}

/// Whom an endpoint is for.
enum Audience: Hashable, Sendable {
    case all
    /// Pods and this node's own processes alone.
    case inside
}

/// A chain that picks one of `count` endpoints. Services with equally many share it, so that a service costs no chain.
struct Picker: Hashable, Sendable {
    let isForNode: Bool
    let count: UInt32
    /// How many endpoints there are for those inside the cluster, where these are others.
    let insideCount: UInt32?
    let affinitySeconds: UInt32?

    var chain: String {
        let kind = affinitySeconds.map { "sticky-\($0)" } ?? "pick"
        let inside = insideCount.map { "-inside-\($0)" } ?? ""
        return "\(isForNode ? "node-" : "")\(kind)-\(count)\(inside)"
    }
}

/// The key of an element in one of the service table's sets. A service claims elements; where several claim the same one,
/// the port that came first holds it.
enum Claim: Hashable, Sendable {
    /// In `services` or `node-ports`: the picker.
    case frontend(Frontend)
    /// In `endpoints` or `node-endpoints`, for those inside in `inside-endpoints` or `inside-node-endpoints`: the endpoint
    /// of a slot.
    case slot(Frontend, Audience, UInt32)
    /// In `hairpin`: an endpoint that may reach itself.
    case hairpin(IPv4Address)
    /// In `remote`: an endpoint of another node that outside traffic may be sent to.
    case remote(IPv4Address, TransportProtocol, UInt16)
    /// In `refused` or `refused-node-ports`: nothing is behind it.
    case refused(Frontend)
    /// In `affine` or `node-affine`, for those inside in `inside-affine` or `inside-node-affine`: an endpoint that a client
    /// may still be kept with.
    case affine(Frontend, Audience, IPv4Address, UInt16)
}

enum ClaimData: Hashable, Sendable {
    case present
    case picker(Picker)
    case endpoint(IPv4Address, UInt16)
}

/// What one port of a service puts into the table.
struct Contribution: Hashable, Sendable {
    var claims: [Claim: ClaimData] = [:]
    /// The order of endpoints by slot, kept so that one endpoint's change moves at most one other.
    var slots: [Frontend: [ProxiedEndpoint]] = [:]
    /// The same for those inside the cluster, where they have others.
    var insideSlots: [Frontend: [ProxiedEndpoint]] = [:]

    /// - Parameter previous: what the same port contributed before.
    init(_ port: ProxiedPort, previous: Contribution? = nil) {
        let atClusterAddress = port.usableEndpoints(localOnly: port.staysLocalInside)
        let everywhere = port.usableEndpoints(localOnly: false)
        let outside = port.usableEndpoints(localOnly: port.staysLocalOutside)
        // Who comes from inside the cluster to what is for outside is bound to no node.
        let inside = outside == everywhere ? nil : everywhere
        if let address = port.clusterAddress {
            // The whole service network is refused where no rule translates, so nothing need be claimed for no endpoint.
            add(
                .address(address, port.transport, port.port), atClusterAddress, inside: nil, port, previous,
                isRefusedWhenEmpty: false)
        }
        for address in port.externalAddresses {
            add(
                .address(address, port.transport, port.port), outside, inside: inside, port, previous,
                isRefusedWhenEmpty: true)
        }
        if let nodePort = port.nodePort {
            add(.node(port.transport, nodePort), outside, inside: inside, port, previous, isRefusedWhenEmpty: true)
        }
        let hasOutside = port.nodePort != nil || !port.externalAddresses.isEmpty
        for endpoint in hasOutside ? everywhere : [] where !endpoint.isLocal {
            claims[.remote(endpoint.address, port.transport, endpoint.port)] = .present
        }
    }

    private mutating func add(
        _ frontend: Frontend, _ endpoints: [ProxiedEndpoint], inside: [ProxiedEndpoint]?, _ port: ProxiedPort,
        _ previous: Contribution?, isRefusedWhenEmpty: Bool
    ) {
        if endpoints.isEmpty, isRefusedWhenEmpty { claims[.refused(frontend)] = .present }
        guard !endpoints.isEmpty || inside != nil else { return }
        let ordered = Self.order(endpoints, previous: previous?.slots[frontend] ?? [])
        let insideOrdered = inside.map { Self.order($0, previous: previous?.insideSlots[frontend] ?? []) }
        slots[frontend] = ordered
        insideSlots[frontend] = insideOrdered
        var isForNode = false
        if case .node = frontend { isForNode = true }
        let picker = Picker(
            isForNode: isForNode, count: UInt32(ordered.count), insideCount: insideOrdered.map { UInt32($0.count) },
            affinitySeconds: port.affinitySeconds)
        claims[.frontend(frontend)] = .picker(picker)
        let isSticky = port.affinitySeconds != nil
        claimSlots(frontend, .all, ordered, isSticky: isSticky)
        claimSlots(frontend, .inside, insideOrdered ?? [], isSticky: isSticky)
    }

    private mutating func claimSlots(
        _ frontend: Frontend, _ audience: Audience, _ endpoints: [ProxiedEndpoint], isSticky: Bool
    ) {
        for (slot, endpoint) in endpoints.enumerated() {
            claims[.slot(frontend, audience, UInt32(slot))] = .endpoint(endpoint.address, endpoint.port)
            claims[.hairpin(endpoint.address)] = .present
            if isSticky { claims[.affine(frontend, audience, endpoint.address, endpoint.port)] = .present }
        }
    }

    /// The endpoints, each once, with those known before in their old slots as far as possible: gaps are filled with new
    /// endpoints and then from the end.
    static func order(_ endpoints: [ProxiedEndpoint], previous: [ProxiedEndpoint]) -> [ProxiedEndpoint] {
        struct Place: Hashable {
            let address: IPv4Address
            let port: UInt16
            init(_ endpoint: ProxiedEndpoint) {
                address = endpoint.address
                port = endpoint.port
            }
        }
        var current: [Place: ProxiedEndpoint] = [:]
        for endpoint in endpoints { current[Place(endpoint)] = endpoint }
        let known = Set(previous.map { Place($0) })
        var isPlaced: Set<Place> = []
        var fresh = endpoints.map { Place($0) }.filter { !known.contains($0) && isPlaced.insert($0).inserted }
        fresh.reverse()
        var result = previous.map { current[Place($0)] }
        for index in result.indices where result[index] == nil {
            guard let place = fresh.popLast() else { break }
            result[index] = current[place]
        }
        while let place = fresh.popLast() { result.append(current[place]) }
        var ordered: [ProxiedEndpoint] = []
        var end = result.count
        var index = 0
        while index < end {
            if let endpoint = result[index] {
                ordered.append(endpoint)
                index += 1
            } else {
                end -= 1
                result[index] = result[end]
            }
        }
        return ordered
    }
}
