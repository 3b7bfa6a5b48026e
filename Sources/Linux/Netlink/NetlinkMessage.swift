import CNetlink

/// A received message: its type and its payload, copied out of the socket's buffer.
struct NetlinkMessage {
    let type: Int
    let payload: [UInt8]

    /// The kernel structure at the payload's start; nil where the payload is shorter.
    func extra<Extra: BitwiseCopyable>(as type: Extra.Type) -> Extra? {
        guard payload.count >= MemoryLayout<Extra>.size else { return nil }
        return payload.withUnsafeBytes { $0.loadUnaligned(as: Extra.self) }
    }

    /// The attributes after a kernel structure of `size` bytes.
    func attributes(after size: Int) -> NetlinkAttributes {
        NetlinkAttributes(payload.dropFirst((size + 3) & ~3))
    }
}

/// The attributes of a message or of a nest, by type. Malformed rests are left out; of a repeated type the last counts.
struct NetlinkAttributes {
    private var values: [Int: ArraySlice<UInt8>] = [:]

    init(_ bytes: ArraySlice<UInt8>) {
        for (type, value) in Self.all(bytes) { values[type] = value }
    }

    /// Every attribute in order, for lists, which repeat one type.
    static func all(_ bytes: ArraySlice<UInt8>) -> [(type: Int, value: ArraySlice<UInt8>)] {
        var found: [(Int, ArraySlice<UInt8>)] = []
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(number(rest.prefix(2)))
            let type = Int(number(rest.dropFirst(2).prefix(2))) & attributeTypeMask
            guard length >= 4, length <= rest.count else { break }
            found.append((type, rest.prefix(length).dropFirst(4)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }

    subscript(_ type: Int) -> ArraySlice<UInt8>? { values[type] }

    func uint32(_ type: Int) -> UInt32? {
        guard let bytes = values[type], bytes.count == 4 else { return nil }
        return Self.number(bytes)
    }

    /// A number in network byte order, of up to four bytes.
    func bigEndian(_ type: Int) -> UInt32? {
        guard let bytes = values[type], (1...4).contains(bytes.count) else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    func address(_ type: Int) -> IPv4Address? {
        values[type].flatMap { IPv4Address(bytes: $0) }
    }

    func string(_ type: Int) -> String? {
        values[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func nested(_ type: Int) -> NetlinkAttributes? {
        values[type].map { NetlinkAttributes($0) }
    }

    /// A number in the host's byte order.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var value: UInt32 = 0
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes.prefix(4)) }
        return value
    }
}

/// The low bits of an attribute's type (the upper two are flags). The kernel's NLA_TYPE_MASK is a macro Swift cannot import.
private let attributeTypeMask: Int = 0x3fff
