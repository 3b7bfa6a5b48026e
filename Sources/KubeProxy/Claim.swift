import Linux

/// Where packets to a service arrive.
enum Frontend: Hashable, Sendable {
    case address(IPv4Address, TransportProtocol, UInt16)
    /// Every address of this node.
    case node(TransportProtocol, UInt16)
}

/// A chain that picks one of `count` endpoints. Services with equally many share it, so that a service costs no chain.
struct Picker: Hashable, Sendable {
    let isForNode: Bool
    let count: UInt32
    let affinitySeconds: UInt32?

    var chain: String {
        let kind = affinitySeconds.map { "sticky-\($0)" } ?? "pick"
        return "\(isForNode ? "node-" : "")\(kind)-\(count)"
    }
}

/// The key of an element in one of the service table's sets. A service claims elements; where several claim the same one,
/// the first holds it.
enum Claim: Hashable, Sendable {
    /// In `services` or `node-ports`: the picker.
    case frontend(Frontend)
    /// In `endpoints` or `node-endpoints`: the endpoint of a slot.
    case slot(Frontend, UInt32)
    /// In `hairpin`: an endpoint that may reach itself.
    case hairpin(IPv4Address)
    /// In `remote`: an endpoint of another node that outside traffic may be sent to.
    case remote(IPv4Address, TransportProtocol, UInt16)
    /// In `refused` or `refused-node-ports`: nothing is behind it.
    case refused(Frontend)
    /// In `affine` or `node-affine`: an endpoint that a client may still be kept with.
    case affine(Frontend, IPv4Address, UInt16)
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

    /// - Parameter previous: what the same port contributed before.
    init(_ port: ProxiedPort, previous: Contribution? = nil) {
        let inside = port.usableEndpoints(localOnly: port.staysLocalInside)
        let outside = port.usableEndpoints(localOnly: port.staysLocalOutside)
        if let address = port.clusterAddress {
            // The whole service network is refused where no rule translates, so nothing need be claimed for no endpoint.
            add(.address(address, port.transport, port.port), inside, port, previous, isRefusedWhenEmpty: false)
        }
        for address in port.externalAddresses {
            add(.address(address, port.transport, port.port), outside, port, previous, isRefusedWhenEmpty: true)
        }
        if let nodePort = port.nodePort {
            add(.node(port.transport, nodePort), outside, port, previous, isRefusedWhenEmpty: true)
        }
        let hasOutside = port.nodePort != nil || !port.externalAddresses.isEmpty
        for endpoint in hasOutside ? outside : [] where !endpoint.isLocal {
            claims[.remote(endpoint.address, port.transport, endpoint.port)] = .present
        }
    }

    private mutating func add(
        _ frontend: Frontend, _ endpoints: [ProxiedEndpoint], _ port: ProxiedPort, _ previous: Contribution?,
        isRefusedWhenEmpty: Bool
    ) {
        guard !endpoints.isEmpty else {
            if isRefusedWhenEmpty { claims[.refused(frontend)] = .present }
            return
        }
        let ordered = Self.order(endpoints, previous: previous?.slots[frontend] ?? [])
        slots[frontend] = ordered
        var isForNode = false
        if case .node = frontend { isForNode = true }
        let picker = Picker(
            isForNode: isForNode, count: UInt32(ordered.count), affinitySeconds: port.affinitySeconds)
        claims[.frontend(frontend)] = .picker(picker)
        for (slot, endpoint) in ordered.enumerated() {
            claims[.slot(frontend, UInt32(slot))] = .endpoint(endpoint.address, endpoint.port)
            claims[.hairpin(endpoint.address)] = .present
            if port.affinitySeconds != nil {
                claims[.affine(frontend, endpoint.address, endpoint.port)] = .present
            }
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
