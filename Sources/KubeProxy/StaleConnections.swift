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

    /// Where the flows of a frontend may lead.
    struct Endpoints: Hashable, Sendable {
        let outside: Set<Place>
        /// For flows that pods began.
        let inside: Set<Place>
    }

    /// The addresses of pods. The node's own flows count as from outside: where those inside have other endpoints, such a
    /// flow may be begun anew for nothing.
    let clusterNetwork: IPv4Network
    var endpoints: [Frontend: Endpoints] = [:]

    var isEmpty: Bool { endpoints.isEmpty }

    /// Whether the flow goes where its service no longer leads.
    func contains(_ flow: TrackedConnection) -> Bool {
        guard flow.transport == TransportProtocol.udp.rawValue else { return false }
        if let current = endpoints[.address(flow.destination, .udp, flow.destinationPort)] {
            return !leads(flow, to: current)
        }
        // A flow that was not translated went somewhere else that happens to have the same port.
        guard flow.replySource != flow.destination, let current = endpoints[.node(.udp, flow.destinationPort)] else {
            return false
        }
        return !leads(flow, to: current)
    }

    private func leads(_ flow: TrackedConnection, to endpoints: Endpoints) -> Bool {
        let places = clusterNetwork.contains(flow.source) ? endpoints.inside : endpoints.outside
        return places.contains(Place(address: flow.replySource, port: flow.replySourcePort))
    }
}

extension ServiceTable {
    /// What the change of these ports means for flows that go on. Call it after `update`.
    ///
    /// - Parameter before: the contributions before the update.
    func staleConnections(
        _ names: some Sequence<ProxiedPortName>, before: [ProxiedPortName: Contribution]
    ) -> StaleConnections {
        var stale = StaleConnections(clusterNetwork: rules.clusterNetwork)
        for name in names {
            let old = before[name]
            let new = contributions[name]
            for frontend in Set(old?.slots.keys ?? [:].keys).union(new?.slots.keys ?? [:].keys) where frontend.isUDP {
                let endpoints = StaleConnections.Endpoints(new, frontend)
                if StaleConnections.Endpoints(old, frontend) != endpoints { stale.endpoints[frontend] = endpoints }
            }
        }
        return stale
    }
}

extension StaleConnections.Endpoints {
    fileprivate init(_ contribution: Contribution?, _ frontend: Frontend) {
        func places(_ endpoints: [ProxiedEndpoint]) -> Set<StaleConnections.Place> {
            Set(endpoints.map { StaleConnections.Place(address: $0.address, port: $0.port) })
        }
        outside = places(contribution?.slots[frontend] ?? [])
        inside = contribution?.insideSlots[frontend].map { places($0) } ?? outside
    }
}

extension Frontend {
    fileprivate var isUDP: Bool {
        switch self {
        case .address(_, let transport, _), .node(let transport, _): transport == .udp
        }
    }
}
