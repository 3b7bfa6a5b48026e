import Linux

/// One port of one service, by name. Its text is `namespace/service:port`.
package struct ProxiedPortName: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let service: String
    /// Empty for the only, unnamed port.
    package let port: String

    package init(namespace: String, service: String, port: String) {
        self.namespace = namespace
        self.service = service
        self.port = port
    }

    package var description: String { "\(namespace)/\(service)\(port.isEmpty ? "" : ":" + port)" }
}

/// One port of one service with what is behind it: all that the rules need to know.
package struct ProxiedPort: Hashable, Sendable {
    package var transport: TransportProtocol
    package var port: UInt16
    /// Nil where the service has no address of its own.
    package var clusterAddress: IPv4Address?
    /// Addresses from outside the cluster that lead here with the same port: external and load balancer addresses.
    package var externalAddresses: [IPv4Address] = []
    package var nodePort: UInt16?
    /// How long a client stays with its endpoint after its last connection; nil for a new choice each time.
    package var affinitySeconds: UInt32?
    /// Traffic to the cluster address goes to endpoints of this node only.
    package var staysLocalInside = false
    /// Traffic to node ports and external addresses goes to endpoints of this node only.
    package var staysLocalOutside = false
    package var endpoints: [ProxiedEndpoint] = []

    package init(transport: TransportProtocol, port: UInt16, clusterAddress: IPv4Address?) {
        self.transport = transport
        self.port = port
        self.clusterAddress = clusterAddress
    }
}

/// A place that answers for a service.
package struct ProxiedEndpoint: Hashable, Sendable {
    package var address: IPv4Address
    package var port: UInt16
    /// Takes new connections.
    package var isReady: Bool
    /// Still answers while it terminates; used where nothing is ready.
    package var isServingWhileTerminating: Bool
    /// Runs on this node.
    package var isLocal: Bool

    package init(
        _ address: IPv4Address, _ port: UInt16, isReady: Bool = true, isServingWhileTerminating: Bool = false,
        isLocal: Bool = true
    ) {
        self.address = address
        self.port = port
        self.isReady = isReady
        self.isServingWhileTerminating = isServingWhileTerminating
        self.isLocal = isLocal
    }
}

extension ProxiedPort {
    /// Where packets may go: ready endpoints, or where there is none those that still serve while they terminate.
    func usableEndpoints(localOnly: Bool) -> [ProxiedEndpoint] {
        let candidates = localOnly ? endpoints.filter(\.isLocal) : endpoints
        let ready = candidates.filter(\.isReady)
        return ready.isEmpty ? candidates.filter(\.isServingWhileTerminating) : ready
    }
}
