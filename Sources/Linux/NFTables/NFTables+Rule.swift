extension NFTables {
    /// A property of a packet that rules compare or look up.
    package enum Selector: Hashable, Sendable {
        case sourceAddress, destinationAddress
        case transport
        case sourcePort, destinationPort
        /// Uniformly random, from 0 to below the modulus, for each packet.
        case random(below: UInt32)
    }

    /// A comparison that a packet must pass for the rule to go on.
    package enum Match: Hashable, Sendable {
        case source(IPv4Network, negated: Bool = false)
        case destination(IPv4Network, negated: Bool = false)
        case transport(TransportProtocol)
        case destinationPort(UInt16)
        /// The source is an address of this host.
        case sourceIsLocal
        /// The destination is an address of this host.
        case destinationIsLocal(Bool = true)
        /// The name of the link begins with this text.
        case inputLink(prefix: String, negated: Bool = false)
        case outputLink(prefix: String, negated: Bool = false)
        case mark(UInt32, mask: UInt32)
        /// The connection's destination was translated.
        case isDestinationTranslated
        case isDestinationOriginal
        case isNewConnection
        /// The selected values stand in a set.
        case member([Selector], of: String, negated: Bool = false)
    }

    /// A step of a rule.
    package enum Statement: Hashable, Sendable {
        case match(Match)
        case counter
        case verdict(Verdict)
        /// The verdict that a map holds for the selected values; the rule ends where it holds none.
        case verdictMap([Selector], map: String)
        /// Translates the destination.
        case destination(IPv4Address, UInt16)
        /// Translates the destination to the address and port that a map holds for the selected values.
        case destinationMap([Selector], map: String)
        /// Remembers in a dynamic map, for the last selectors' values, the address and port that a map holds for the first
        /// ones, instead of what it remembered before, and translates the destination to it.
        case destinationMapRemembered([Selector], map: String, memory: String, as: [Selector])
        /// Goes on only where a set holds the first selectors' values followed by what a dynamic map remembers for the
        /// second; renews the memory and translates the destination to it.
        case rememberedDestination([Selector], memory: String, valid: [Selector], among: String)
        case source(IPv4Address)
        /// Translates the source to the address of the link the packet leaves by, with a random port.
        case masquerade
        /// Answers that the port is unreachable. A TCP client on this host notices only when it repeats itself, after a
        /// second: reset those instead.
        case reject
        /// Answers a TCP packet with a reset; the rule must match TCP before.
        case reset
        case setMark(UInt32, mask: UInt32)
    }

    package struct Rule: Hashable, Sendable, CustomStringConvertible {
        package let statements: [Statement]

        package init(_ statements: Statement...) {
            self.statements = statements
        }

        package init(_ statements: [Statement]) {
            self.statements = statements
        }

        package var description: String {
            statements.map(\.description).joined(separator: " ")
        }

        /// The chains it can lead to.
        var targets: [String] {
            statements.compactMap {
                if case .verdict(let verdict) = $0 { verdict.target } else { nil }
            }
        }

        /// The sets it looks into.
        var sets: [String] { statements.flatMap(\.sets) }
    }
}

extension NFTables.Selector: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sourceAddress: "ip saddr"
        case .destinationAddress: "ip daddr"
        case .transport: "meta l4proto"
        case .sourcePort: "th sport"
        case .destinationPort: "th dport"
        case .random(let modulus): "numgen random mod \(modulus)"
        }
    }
}

extension [NFTables.Selector] {
    fileprivate var text: String { map(\.description).joined(separator: " . ") }
}

extension NFTables.Match: CustomStringConvertible {
    package var description: String {
        switch self {
        case .source(let network, let negated): "ip saddr \(Self.not(negated))\(network)"
        case .destination(let network, let negated): "ip daddr \(Self.not(negated))\(network)"
        case .transport(let transport): "meta l4proto \(transport)"
        case .destinationPort(let port): "th dport \(port)"
        case .sourceIsLocal: "fib saddr type local"
        case .destinationIsLocal(let isLocal): "fib daddr type \(Self.not(!isLocal))local"
        case .inputLink(let prefix, let negated): "iifname \(Self.not(negated))\"\(prefix)*\""
        case .outputLink(let prefix, let negated): "oifname \(Self.not(negated))\"\(prefix)*\""
        case .mark(let value, let mask): "meta mark & \(mask) == \(value)"
        case .isDestinationTranslated: "ct status dnat"
        case .isDestinationOriginal: "ct status & dnat == 0"
        case .isNewConnection: "ct state new"
        case .member(let selectors, let set, let negated): "\(selectors.text) \(Self.not(negated))@\(set)"
        }
    }

    private static func not(_ negated: Bool) -> String { negated ? "!= " : "" }
}

extension NFTables.Statement: CustomStringConvertible {
    package var description: String {
        switch self {
        case .match(let match): match.description
        case .counter: "counter"
        case .verdict(let verdict): verdict.description
        case .verdictMap(let selectors, let map): "\(selectors.text) vmap @\(map)"
        case .destination(let address, let port): "dnat to \(address):\(port)"
        case .destinationMap(let selectors, let map): "dnat ip to \(selectors.text) map @\(map)"
        case .destinationMapRemembered(let selectors, let map, let memory, let key):
            "delete @\(memory) { \(key.text) } update @\(memory) { \(key.text) : \(selectors.text) map @\(map) } dnat ip to that"
        case .rememberedDestination(let key, let memory, let valid, let set):
            "\(valid.text) . (\(key.text) map @\(memory)) @\(set) update @\(memory) { \(key.text) : that } dnat ip to that"
        case .source(let address): "snat to \(address)"
        case .masquerade: "masquerade fully-random"
        case .reject: "reject"
        case .reset: "reject with tcp reset"
        case .setMark(let value, let mask): "meta mark set meta mark & \(~mask) | \(value)"
        }
    }

    var sets: [String] {
        switch self {
        case .match(.member(_, let set, _)): [set]
        case .verdictMap(_, let map), .destinationMap(_, let map): [map]
        case .destinationMapRemembered(_, let map, let memory, _): [map, memory]
        case .rememberedDestination(_, let memory, _, let set): [memory, set]
        default: []
        }
    }
}
