import Linux

/// The frontends of connectionless services that a change concerned, with the endpoints they have now.
///
/// The kernel keeps a UDP flow on the endpoint it once chose for as long as packets come: without this a client that keeps
/// its port would speak to a pod that is gone.
struct StaleConnections: Sendable {
    struct Place: Hashable, Sendable {
        let address: IPv4Address
        let port: UInt16
    }

    var endpoints: [Frontend: Set<Place>] = [:]

    var isEmpty: Bool { endpoints.isEmpty }

    /// Whether the flow goes where its service no longer leads.
    func contains(_ flow: TrackedConnection) -> Bool {
        guard flow.transport == TransportProtocol.udp.rawValue else { return false }
        let place = Place(address: flow.replySource, port: flow.replySourcePort)
        if let current = endpoints[.address(flow.destination, .udp, flow.destinationPort)] {
            return !current.contains(place)
        }
        // A flow that was not translated went somewhere else that happens to have the same port.
        guard flow.replySource != flow.destination, let current = endpoints[.node(.udp, flow.destinationPort)] else {
            return false
        }
        return !current.contains(place)
    }
}

extension ServiceTable {
    /// What the change of these ports means for flows that go on. Call it after `update`.
    ///
    /// - Parameter before: the contributions before the update.
    func staleConnections(
        _ names: some Sequence<ProxiedPortName>, before: [ProxiedPortName: Contribution]
    ) -> StaleConnections {
        var stale = StaleConnections()
        for name in names {
            let old = before[name]
            let new = contributions[name]
            for frontend in Set(old?.slots.keys ?? [:].keys).union(new?.slots.keys ?? [:].keys) where frontend.isUDP {
                let places = Self.places(new, frontend)
                if Self.places(old, frontend) != places { stale.endpoints[frontend] = places }
            }
        }
        return stale
    }

    private static func places(_ contribution: Contribution?, _ frontend: Frontend) -> Set<StaleConnections.Place> {
        let endpoints = [contribution?.slots[frontend], contribution?.insideSlots[frontend]].compactMap { $0 }.joined()
        return Set(endpoints.map { StaleConnections.Place(address: $0.address, port: $0.port) })
    }
}

extension Frontend {
    fileprivate var isUDP: Bool {
        switch self {
        case .address(_, let transport, _), .node(let transport, _): transport == .udp
        }
    }
}
