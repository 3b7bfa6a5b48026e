import Linux

/// A service's or endpoint's port as DNS names it.
package struct NamedPort: Hashable, Sendable {
    package let name: String
    /// `tcp`, `udp` or `sctp`.
    package let transport: String
    package let port: UInt16

    package init(name: String, transport: String, port: UInt16) {
        self.name = name
        self.transport = transport
        self.port = port
    }
}

/// What DNS says of one service.
package struct ServiceNames: Hashable, Sendable {
    package struct Endpoint: Hashable, Sendable {
        package let address: IPv4Address
        /// The pod's host name where it has one, else nil.
        package let hostname: String?
        package let ports: [NamedPort]

        package init(_ address: IPv4Address, hostname: String? = nil, ports: [NamedPort]) {
            self.address = address
            self.hostname = hostname
            self.ports = ports
        }

        /// The label of the endpoint's own name: its host name, or its address with dashes.
        var label: String {
            hostname ?? "\(address)".split(separator: ".").joined(separator: "-")
        }
    }

    package enum Kind: Hashable, Sendable {
        case cluster(IPv4Address, ports: [NamedPort])
        /// No address of its own: its endpoints that take connections.
        case headless([Endpoint])
        /// Another name for something else.
        case external(DNSName)
    }

    package let namespace: String
    package let name: String
    package let kind: Kind

    package init(namespace: String, name: String, kind: Kind) {
        self.namespace = namespace
        self.name = name
        self.kind = kind
    }
}

/// The names of all services: what the resolver answers from. A value; one change costs a copy of a dictionary at most.
package struct DNSRecords: Sendable {
    /// The domain of the cluster, mostly `cluster.local`.
    package let domain: DNSName
    /// Seconds that clients may remember an answer.
    package let ttl: UInt32
    private var namespaces: [String: [String: ServiceNames]] = [:]
    private var names: [IPv4Address: DNSName] = [:]

    package init(domain: DNSName, ttl: UInt32 = 5) {
        self.domain = domain
        self.ttl = ttl
    }

    /// Takes over what a service is now; nil: it is gone.
    package mutating func set(_ service: ServiceNames?, namespace: String, name: String) {
        if let before = namespaces[namespace]?[name] {
            for (address, pointer) in reverse(before) where names[address] == pointer { names[address] = nil }
        }
        guard let service else {
            namespaces[namespace]?[name] = nil
            if namespaces[namespace]?.isEmpty == true { namespaces[namespace] = nil }
            return
        }
        namespaces[namespace, default: [:]][name] = service
        for (address, pointer) in reverse(service) { names[address] = pointer }
    }

    func service(_ name: String, in namespace: String) -> ServiceNames? { namespaces[namespace]?[name] }
    func hasServices(in namespace: String) -> Bool { namespaces[namespace] != nil }
    func name(of address: IPv4Address) -> DNSName? { names[address] }

    func name(of service: ServiceNames) -> DNSName {
        domain.prefixed(service.name, service.namespace, "svc")
    }

    private func reverse(_ service: ServiceNames) -> [(IPv4Address, DNSName)] {
        switch service.kind {
        case .cluster(let address, _): [(address, name(of: service))]
        case .headless(let endpoints):
            endpoints.filter { $0.hostname != nil }.map { ($0.address, name(of: service).prefixed($0.label)) }
        case .external: []
        }
    }
}
