import JSONTree

/// Binary data, base64 on the wire (RFC 4648, with padding), as in Secrets.
package struct Bytes: Sendable, Hashable {
    package var array: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) {
        array = Array(bytes)
    }

    /// nil where the text is not base64. Line breaks are skipped.
    package init?(base64 text: String) {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text.utf8 where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
            if byte == UInt8(ascii: "=") {
                padding += 1
            } else {
                guard padding == 0, let value = Self.value(ofDigit: byte) else { return nil }
                group = group << 6 | UInt32(value)
            }
            digits += 1
            guard digits % 4 == 0 else { continue }
            guard Self.flush(group, padding: padding, to: &output) else { return nil }
            group = 0
        }
        guard digits % 4 == 0, padding <= 2 else { return nil }
        array = output
    }

    package var base64: String {
        var output: [UInt8] = []
        output.reserveCapacity((array.count + 2) / 3 * 4)
        var index = 0
        while index < array.count {
            let taken = min(3, array.count - index)
            var group = UInt32(array[index]) << 16
            if taken > 1 { group |= UInt32(array[index + 1]) << 8 }
            if taken > 2 { group |= UInt32(array[index + 2]) }
            for place in 0..<4 {
                let digit = Int(group >> UInt32(18 - 6 * place) & 63)
                output.append(place <= taken ? Self.alphabet[digit] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func value(ofDigit byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// Writes the bytes of one group of four digits, of which `padding` are "=".
    private static func flush(_ digits: UInt32, padding: Int, to output: inout [UInt8]) -> Bool {
        guard padding <= 2 else { return false }
        let group = digits << UInt32(6 * padding)
        output.append(UInt8(truncatingIfNeeded: group >> 16))
        if padding < 2 { output.append(UInt8(truncatingIfNeeded: group >> 8)) }
        if padding < 1 { output.append(UInt8(truncatingIfNeeded: group)) }
        return true
    }
}

extension Bytes: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .string(let text) = json else { return nil }
        self.init(base64: text)
    }

    package var json: JSONValue { .string(base64) }
    package static var schema: Schema { .bytes }
    package static var zero: Bytes { .init([]) }
}
