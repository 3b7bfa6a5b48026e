/// An IPv4 address, in host byte order.
package struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: UInt32

    package init(_ value: UInt32) {
        self.value = value
    }

    package init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        value = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Reads dotted decimal with exactly four parts and no leading zeros; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        var parts = 0
        for part in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
            }
            parts += 1
            guard number <= 255, parts <= 4 else { return nil }
            value = value << 8 | number
        }
        guard parts == 4 else { return nil }
        self.value = value
    }

    /// Four bytes as they stand in a packet.
    package var bytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16),
            UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value),
        ]
    }

    /// The address as four bytes of a packet; nil unless there are exactly four.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package var description: String {
        bytes.map { String($0) }.joined(separator: ".")
    }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// An IPv4 network such as `10.42.0.0/24`: an address with its host bits zero, and a prefix length of 0 to 32.
package struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
    package let address: IPv4Address
    package let prefixLength: UInt8

    /// The network that holds `address`; lengths over 32 count as 32.
    package init(_ address: IPv4Address, prefixLength: UInt8) {
        self.prefixLength = min(prefixLength, 32)
        self.address = IPv4Address(address.value & Self.mask(self.prefixLength))
    }

    /// Reads `a.b.c.d/n`. Nil for anything else, and for a network whose host bits are not zero.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), parts[1].utf8.count <= 2,
            parts[1].first?.isNumber == true, let length = UInt8(parts[1]), length <= 32,
            address.value & ~Self.mask(length) == 0
        else { return nil }
        self.init(address, prefixLength: length)
    }

    package var mask: IPv4Address { IPv4Address(Self.mask(prefixLength)) }
    package var last: IPv4Address { IPv4Address(address.value | ~mask.value) }

    package func contains(_ other: IPv4Address) -> Bool {
        other.value & mask.value == address.value
    }

    /// Whether the two have an address in common.
    package func overlaps(_ other: IPv4Network) -> Bool {
        contains(other.address) || other.contains(address)
    }

    package var description: String { "\(address)/\(prefixLength)" }

    private static func mask(_ length: UInt8) -> UInt32 {
        length == 0 ? 0 : UInt32.max << (32 - UInt32(length))
    }
}

/// A link-layer address of six bytes.
package struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// A locally administered unicast address that ends in an IPv4 address: unique wherever that address is.
    package init(tag: UInt8, address: IPv4Address) {
        bytes = [0x0a, tag] + address.bytes
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
