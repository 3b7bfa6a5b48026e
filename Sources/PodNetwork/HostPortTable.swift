import Linux

/// Which pod each port of the node leads to, as elements of the pod network's nftables maps: a packet costs two look-ups whatever the
/// number of ports.
///
/// A value. Where two pods want one port, the first has it until it goes, then the next; the scheduler sees to it that this is rare. Bound: the ports
/// that the node's pods declare.
struct HostPortTable {
    static let everywhere = NFTables.NamedSet(
        "host-ports", key: [.transport, .port], data: .values([.address, .port]))
    static let addressed = NFTables.NamedSet(
        "host-ports-of-address", key: [.address, .transport, .port], data: .values([.address, .port]))
    /// Pods with a port of the node, which may reach themselves through it.
    static let hairpin = NFTables.NamedSet("host-port-hairpin", key: [.address, .address])

    fileprivate struct Frontend: Hashable {
        let address: IPv4Address?
        let transport: TransportProtocol
        let port: UInt16

        func collides(with other: Frontend) -> Bool {
            transport == other.transport && port == other.port
                && (address == other.address || address == nil || other.address == nil)
        }
    }

    fileprivate struct Backend: Hashable {
        let sandbox: String
        let address: IPv4Address
        let port: UInt16
    }

    private var claims: [Frontend: [Backend]] = [:]
    private var ports: [String: (address: IPv4Address, list: [HostPort])] = [:]

    func ports(of sandbox: String) -> [HostPort] { ports[sandbox]?.list ?? [] }

    /// The sandbox that has a port which cannot be had beside this one; nil where it is free.
    func holder(of port: HostPort) -> String? {
        claims.filter { $0.key.collides(with: Frontend(port)) }.compactMap { $0.value.first?.sandbox }.min()
    }

    /// Gives a sandbox its ports, and says what must change; nothing where it has them.
    mutating func take(_ sandbox: String, _ address: IPv4Address, _ list: [HostPort], table: String)
        -> NFTables.Transaction
    {
        var transaction = NFTables.Transaction(table: table)
        guard ports[sandbox] == nil, !list.isEmpty else { return transaction }
        ports[sandbox] = (address, list)
        transaction.addElements(Self.hairpin, [Self.hairpinElement(address)])
        for port in list {
            let frontend = Frontend(port)
            let backend = Backend(sandbox: sandbox, address: address, port: port.podPort)
            claims[frontend, default: []].append(backend)
            if claims[frontend]?.count == 1 { transaction.addElements(frontend.set, [frontend.element(backend)]) }
        }
        return transaction
    }

    /// Takes them away, and says what must change.
    mutating func release(_ sandbox: String, table: String) -> NFTables.Transaction {
        var transaction = NFTables.Transaction(table: table)
        guard let (address, list) = ports.removeValue(forKey: sandbox) else { return transaction }
        transaction.deleteElements(Self.hairpin, [Self.hairpinElement(address)])
        for frontend in Set(list.map(Frontend.init)).sorted(by: { $0.description < $1.description }) {
            let before = claims[frontend]?.first
            claims[frontend]?.removeAll { $0.sandbox == sandbox }
            let after = claims[frontend]?.first
            if after == nil { claims[frontend] = nil }
            guard before != after, let before else { continue }
            transaction.deleteElements(frontend.set, [frontend.element(before)])
            if let after { transaction.addElements(frontend.set, [frontend.element(after)]) }
        }
        return transaction
    }

    /// All elements, for a table made anew.
    func appendElements(to transaction: inout NFTables.Transaction) {
        for (frontend, backends) in claims.sorted(by: { $0.key.description < $1.key.description }) {
            if let first = backends.first { transaction.addElements(frontend.set, [frontend.element(first)]) }
        }
        transaction.addElements(
            Self.hairpin, ports.values.map(\.address).sorted { $0.value < $1.value }.map(Self.hairpinElement))
    }

    /// Whether a connection that the kernel tracks leads elsewhere than its port does now: only those without connections of their own (UDP) stay on
    /// what they once had.
    func isStale(_ flow: TrackedConnection, concerning list: [HostPort]) -> Bool {
        guard flow.transport == TransportProtocol.udp.rawValue,
            list.contains(where: {
                $0.transport == .udp && $0.port == flow.destinationPort
                    && ($0.address ?? flow.destination) == flow.destination
            })
        else { return false }
        let holder =
            claims[Frontend(address: flow.destination, transport: .udp, port: flow.destinationPort)]?.first
            ?? claims[Frontend(address: nil, transport: .udp, port: flow.destinationPort)]?.first
        return holder?.address != flow.replySource
    }

    private static func hairpinElement(_ address: IPv4Address) -> NFTables.Element {
        NFTables.Element([.address(address), .address(address)])
    }
}

extension HostPortTable.Frontend: CustomStringConvertible {
    init(_ port: HostPort) {
        self.init(address: port.address, transport: port.transport, port: port.port)
    }

    var description: String { "\(address.map(\.description) ?? "*") \(transport) \(port)" }

    var set: NFTables.NamedSet { address == nil ? HostPortTable.everywhere : HostPortTable.addressed }

    func element(_ backend: HostPortTable.Backend) -> NFTables.Element {
        NFTables.Element(
            (address.map { [.address($0)] } ?? []) + [.transport(transport), .port(port)],
            .values([.address(backend.address), .port(backend.port)]))
    }
}
