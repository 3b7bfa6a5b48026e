import Linux

/// A record type by its number (RFC 1035, RFC 2782, RFC 6891).
package struct DNSType: Hashable, Sendable {
    package let number: UInt16

    package init(_ number: UInt16) {
        self.number = number
    }

    package static let a = DNSType(1)
    package static let ns = DNSType(2)
    package static let cname = DNSType(5)
    package static let soa = DNSType(6)
    package static let ptr = DNSType(12)
    package static let txt = DNSType(16)
    package static let aaaa = DNSType(28)
    package static let srv = DNSType(33)
    package static let opt = DNSType(41)
    package static let any = DNSType(255)
}

/// A record's content.
package enum DNSData: Hashable, Sendable {
    case address(IPv4Address)
    case alias(DNSName)
    case pointer(DNSName)
    case nameServer(DNSName)
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
    case text(String)
    /// Start of authority; `minimum` is how long a client may remember that something is not there, in seconds.
    case authority(server: DNSName, mailbox: DNSName, serial: UInt32, minimum: UInt32)
    /// Content that holds no names, of a type without a case here.
    case other(DNSType, [UInt8])

    package var type: DNSType {
        switch self {
        case .address: .a
        case .alias: .cname
        case .pointer: .ptr
        case .nameServer: .ns
        case .service: .srv
        case .text: .txt
        case .authority: .soa
        case .other(let type, _): type
        }
    }
}

package struct DNSRecord: Hashable, Sendable {
    package let name: DNSName
    /// Seconds.
    package let ttl: UInt32
    package let data: DNSData

    package init(_ name: DNSName, ttl: UInt32, _ data: DNSData) {
        self.name = name
        self.ttl = ttl
        self.data = data
    }
}

/// The outcome of a query.
package enum DNSResponseCode: UInt8, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case noSuchName = 3
    case notImplemented = 4
    case refused = 5
}
