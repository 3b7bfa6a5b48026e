import APIMachinery

/// Identities that the server gives out.
struct Identifiers: Sendable {
    let random: RandomSource

    /// A random UUID (RFC 9562, version 4), lower case.
    func uid() -> String {
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = Self.hex(high) + Self.hex(low)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Five characters without vowels, as they end generated names.
    func suffix() -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
        let last = Int64(alphabet.count - 1)
        return String(decoding: (0..<5).map { _ in alphabet[Int(random.number(in: 0...last))] }, as: UTF8.self)
    }

    /// `base` shortened so that name and suffix fit into 63 characters.
    func name(generateName base: String) -> String {
        String(decoding: Array(base.utf8.prefix(58)), as: UTF8.self) + suffix()
    }

    private static func hex(_ value: UInt64) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return (0..<16).map { digits[Int(value >> UInt64(60 - 4 * $0) & 15)] }
    }
}
