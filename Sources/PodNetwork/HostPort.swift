import Linux

/// A port of the node that leads to one of a pod.
package struct HostPort: Hashable, Sendable {
    package let transport: TransportProtocol
    /// The node's address that it is bound to; nil: all of them, and loopback.
    package let address: IPv4Address?
    package let port: UInt16
    package let podPort: UInt16

    package init(transport: TransportProtocol, address: IPv4Address? = nil, port: UInt16, podPort: UInt16) {
        self.transport = transport
        self.address = address
        self.port = port
        self.podPort = podPort
    }
}

extension HostPort: LosslessStringConvertible {
    /// `tcp * 8080 80`, the form it has on disk.
    package var description: String {
        "\(transport) \(address.map(\.description) ?? "*") \(port) \(podPort)"
    }

    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, let transport = TransportProtocol.allCases.first(where: { $0.description == words[0] }),
            let port = UInt16(words[2]), let podPort = UInt16(words[3])
        else { return nil }
        let address = words[1] == "*" ? nil : IPv4Address(String(words[1]))
        guard address != nil || words[1] == "*" else { return nil }
        self.init(transport: transport, address: address, port: port, podPort: podPort)
    }
}
