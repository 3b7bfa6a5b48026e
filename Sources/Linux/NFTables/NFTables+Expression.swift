import CNetlink

extension NFTables {
    /// What the kernel evaluates: loads into registers, operations on them, and actions. Rules compile to these.
    ///
    /// Registers count 32-bit words from 0; a value takes as many words as it needs, the last filled with zeros.
    enum Expression: Hashable, Sendable {
        case payload(PayloadBase, offset: UInt32, length: UInt32, into: Register)
        case meta(MetaKey, into: Register)
        case setMeta(MetaKey, from: Register)
        case conntrack(ConntrackKey, into: Register)
        case sourceType(into: Register)
        case destinationType(into: Register)
        case random(modulus: UInt32, into: Register)
        case bitwise(Register, mask: [UInt8], xor: [UInt8])
        case compare(Register, isEqual: Bool, [UInt8])
        case immediate([UInt8], into: Register)
        case lookup(String, from: Register, into: LookupResult, negated: Bool = false)
        case verdict(Verdict)
        case nat(isDestination: Bool, address: Register, port: Register?)
        case masquerade
        case reject
        case reset
        case counter
        case update(String, key: Register, data: Register, timeoutSeconds: UInt32?)
        /// Of a map; the kernel wants a register for data here too, and does not read it.
        case delete(String, key: Register, data: Register)
    }

    typealias Register = UInt32

    enum PayloadBase: Hashable, Sendable { case network, transport }
    enum MetaKey: Hashable, Sendable { case transport, inputName, outputName, mark }
    enum ConntrackKey: Hashable, Sendable { case state, status }
    enum LookupResult: Hashable, Sendable {
        /// Only whether it is there.
        case none
        case verdict
        case register(Register)
    }
}

extension NFTables.Rule {
    /// The expressions of the rule, in order.
    var expressions: [NFTables.Expression] { statements.flatMap(\.expressions) }
}

extension NFTables.Selector {
    func load(into register: NFTables.Register) -> NFTables.Expression {
        switch self {
        case .sourceAddress: .payload(.network, offset: 12, length: 4, into: register)
        case .destinationAddress: .payload(.network, offset: 16, length: 4, into: register)
        case .transport: .meta(.transport, into: register)
        case .sourcePort: .payload(.transport, offset: 0, length: 2, into: register)
        case .destinationPort: .payload(.transport, offset: 2, length: 2, into: register)
        case .random(let modulus): .random(modulus: modulus, into: register)
        }
    }
}

extension [NFTables.Selector] {
    /// Loads the values into consecutive registers: each takes one word.
    fileprivate func load(from first: NFTables.Register = 0) -> [NFTables.Expression] {
        enumerated().map { $1.load(into: first + UInt32($0)) }
    }
}

extension NFTables.Statement {
    fileprivate var expressions: [NFTables.Expression] {
        switch self {
        case .match(let match): match.expressions
        case .counter: [.counter]
        case .verdict(let verdict): [.verdict(verdict)]
        case .verdictMap(let selectors, let map): selectors.load() + [.lookup(map, from: 0, into: .verdict)]
        case .destination(let address, let port):
            [
                .immediate(address.bytes, into: 0), .immediate(NFTables.Value.port(port).bytes, into: 1),
                .nat(isDestination: true, address: 0, port: 1),
            ]
        case .destinationMap(let selectors, let map):
            selectors.load() + [
                .lookup(map, from: 0, into: .register(0)), .nat(isDestination: true, address: 0, port: 1),
            ]
        case .destinationMapRemembered(let selectors, let map, let memory, let key):
            // An update alone would renew a former memory, and keep its data.
            selectors.load() + [.lookup(map, from: 0, into: .register(0))] + key.load(from: 2) + [
                .delete(memory, key: 2, data: 0), .update(memory, key: 2, data: 0, timeoutSeconds: nil),
                .nat(isDestination: true, address: 0, port: 1),
            ]
        case .rememberedDestination(let key, let memory, let valid, let set):
            Self.remembered(key, memory, valid, set)
        case .source(let address):
            [.immediate(address.bytes, into: 0), .nat(isDestination: false, address: 0, port: nil)]
        case .masquerade: [.masquerade]
        case .reject: [.reject]
        case .reset: [.reset]
        case .setMark(let value, let mask):
            [
                .meta(.mark, into: 0), .bitwise(0, mask: hostBytes(~mask), xor: hostBytes(value & mask)),
                .setMeta(.mark, from: 0),
            ]
        }
    }

    private static func remembered(
        _ key: [NFTables.Selector], _ memory: String, _ valid: [NFTables.Selector], _ set: String
    ) -> [NFTables.Expression] {
        // The remembered address and port land right behind the validity key's other words.
        let place = UInt32(valid.count)
        return key.load(from: place) + [.lookup(memory, from: place, into: .register(place))] + valid.load() + [
            .lookup(set, from: 0, into: .none)
        ] + key.load(from: place + 2) + [
            .update(memory, key: place + 2, data: place, timeoutSeconds: nil),
            .nat(isDestination: true, address: place, port: place + 1),
        ]
    }
}

extension NFTables.Match {
    fileprivate var expressions: [NFTables.Expression] {
        switch self {
        case .source(let network, let negated): Self.network(.sourceAddress, network, negated)
        case .destination(let network, let negated): Self.network(.destinationAddress, network, negated)
        case .transport(let transport): [.meta(.transport, into: 0), .compare(0, isEqual: true, [transport.rawValue])]
        case .destinationPort(let port):
            [
                NFTables.Selector.destinationPort.load(into: 0),
                .compare(0, isEqual: true, [UInt8(port >> 8), UInt8(port & 0xff)]),
            ]
        case .sourceIsLocal:
            [.sourceType(into: 0), .compare(0, isEqual: true, hostBytes(UInt32(RTN_LOCAL)))]
        case .destinationIsLocal(let isLocal):
            [.destinationType(into: 0), .compare(0, isEqual: isLocal, hostBytes(UInt32(RTN_LOCAL)))]
        case .inputLink(let prefix, let negated):
            [.meta(.inputName, into: 0), .compare(0, isEqual: !negated, Array(prefix.utf8.prefix(15)))]
        case .outputLink(let prefix, let negated):
            [.meta(.outputName, into: 0), .compare(0, isEqual: !negated, Array(prefix.utf8.prefix(15)))]
        case .mark(let value, let mask): Self.bits(.meta(.mark, into: 0), mask, isEqual: true, value)
        case .isDestinationTranslated:
            Self.bits(.conntrack(.status, into: 0), UInt32(IPS_DST_NAT.rawValue), isEqual: false, 0)
        case .isDestinationOriginal:
            Self.bits(.conntrack(.status, into: 0), UInt32(IPS_DST_NAT.rawValue), isEqual: true, 0)
        case .isNewConnection:
            // The kernel's bit for a state is one more than its number (NF_CT_STATE_BIT).
            Self.bits(.conntrack(.state, into: 0), 1 << (UInt32(IP_CT_NEW.rawValue) + 1), isEqual: false, 0)
        case .member(let selectors, let set, let negated):
            selectors.load() + [.lookup(set, from: 0, into: .none, negated: negated)]
        }
    }

    private static func network(
        _ selector: NFTables.Selector, _ network: IPv4Network, _ negated: Bool
    ) -> [NFTables.Expression] {
        var steps = [selector.load(into: 0)]
        if network.prefixLength < 32 { steps.append(.bitwise(0, mask: network.mask.bytes, xor: [0, 0, 0, 0])) }
        return steps + [.compare(0, isEqual: !negated, network.address.bytes)]
    }

    private static func bits(
        _ load: NFTables.Expression, _ mask: UInt32, isEqual: Bool, _ value: UInt32
    ) -> [NFTables.Expression] {
        [load, .bitwise(0, mask: hostBytes(mask), xor: hostBytes(0)), .compare(0, isEqual: isEqual, hostBytes(value))]
    }
}

extension NFTables.Value {
    /// As it stands in a register: one word, filled with zeros.
    var bytes: [UInt8] {
        switch self {
        case .address(let address): address.bytes
        case .transport(let transport): [transport.rawValue, 0, 0, 0]
        case .port(let port): [UInt8(port >> 8), UInt8(port & 0xff), 0, 0]
        case .number(let number): hostBytes(number)
        }
    }
}

/// A number in the host's byte order.
private func hostBytes(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number) { Array($0) }
}
