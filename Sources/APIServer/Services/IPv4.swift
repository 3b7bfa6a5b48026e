/// An IPv4 address as a number.
struct IPv4Address: Sendable, Hashable, CustomStringConvertible {
    let number: UInt32

    init(number: UInt32) {
        self.number = number
    }

    /// Four decimal numbers without leading zeros.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0")
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        self.number = number
    }

    var description: String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}

/// An IPv4 network: `10.96.0.0/16`.
struct IPv4Network: Sendable, Hashable, CustomStringConvertible {
    let base: IPv4Address
    let prefixLength: Int

    /// nil where the text is no network, or has bits set past its prefix.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPv4Address(parts[0]), let length = Int(parts[1]), (1...32).contains(length),
            base.number & (UInt32.max >> UInt32(length) & (length == 32 ? 0 : .max)) == 0
        else { return nil }
        self.base = base
        prefixLength = length
    }

    /// Addresses in it, the first and the last included.
    var count: Int { 1 << (32 - prefixLength) }

    /// The address `offset` after the first, nil outside.
    subscript(_ offset: Int) -> IPv4Address? {
        (0..<count).contains(offset) ? IPv4Address(number: base.number + UInt32(offset)) : nil
    }

    /// How far into the network an address is, nil outside.
    func offset(of address: IPv4Address) -> Int? {
        guard address.number >= base.number else { return nil }
        let offset = Int(address.number - base.number)
        return offset < count ? offset : nil
    }

    var description: String { "\(base)/\(prefixLength)" }
}
