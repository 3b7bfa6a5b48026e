extension JSONParser {
    /// A number: 64-bit integers as such, anything else as its text.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let first = position
        var magnitude: UInt64 = 0
        var fits = true
        while let digit = digit() {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            magnitude = sum
            fits = fits && !overflow && !carry
        }
        let count = position - first
        guard count == 1 || count > 1 && bytes[first] != UInt8(ascii: "0") else {
            throw JSONError(.invalidNumber, at: start)
        }
        let isWhole = try !fractionAndExponent(start: start)
        if isWhole, fits, magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) {
            return .integer(isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
        }
        return .number(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self))
    }

    /// Whether there was a fraction or an exponent.
    private mutating func fractionAndExponent(start: Int) throws(JSONError) -> Bool {
        var found = false
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            found = true
            position += 1
            try digits(start: start)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            found = true
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits(start: start)
        }
        return found
    }

    private mutating func digits(start: Int) throws(JSONError) {
        guard digit() != nil else { throw JSONError(.invalidNumber, at: start) }
        while digit() != nil {}
    }

    private mutating func digit() -> UInt64? {
        guard position < bytes.count else { return nil }
        let value = bytes[position] &- UInt8(ascii: "0")
        guard value < 10 else { return nil }
        position += 1
        return UInt64(value)
    }

    /// A string, from its opening quote. Long known keys share one copy.
    mutating func string(isKey: Bool = false) throws(JSONError) -> String {
        let start = position + 1
        var (end, union) = plainText(from: start)
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") {
                position = end + 1
                return try text(start, end, isASCII: union < 0x80, isKey: isKey)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start, escape: end) }
            guard byte >= 0x20 else { throw JSONError(.controlCharacter, at: end) }
            union |= byte
            end += 1
        }
        throw JSONError(.unexpectedEnd, at: end)
    }

    /// Skips text without quotes, escapes and control characters, eight bytes at a time. Returns where it stopped (at the latest at the first
    /// such byte) and, with the highest bit set, whether it saw anything but ASCII.
    private func plainText(from start: Int) -> (end: Int, union: UInt8) {
        let raw = UnsafeRawBufferPointer(bytes)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones &* 0x80
        var end = start
        var union: UInt64 = 0
        while raw.count - end >= 8 {
            let word = raw.loadUnaligned(fromByteOffset: end, as: UInt64.self)
            let quote = word ^ ones &* UInt64(UInt8(ascii: "\""))
            let escape = word ^ ones &* UInt64(UInt8(ascii: "\\"))
            // The highest bit of a byte is set where the byte is zero, or below 0x20 (and perhaps above the first such byte).
            let found = (quote &- ones) & ~quote | (escape &- ones) & ~escape | (word &- ones &* 0x20) & ~word
            guard found & highs == 0 else { break }
            union |= word & highs
            end += 8
        }
        return (end, union == 0 ? 0 : 0x80)
    }

    private func text(_ start: Int, _ end: Int, isASCII: Bool, isKey: Bool) throws(JSONError) -> String {
        let slice = UnsafeBufferPointer(rebasing: bytes[start..<end])
        if isKey, slice.count > 15, let known = KeyTable.common.key(slice) { return known }
        // Repairing has nothing to do in ASCII, and is the faster way in.
        if isASCII { return String(decoding: slice, as: UTF8.self) }
        guard let text = String(validating: slice, as: UTF8.self) else { throw JSONError(.invalidUTF8, at: start) }
        return text
    }

    /// The rest of a string whose first escape stands at `escape`.
    private mutating func escapedString(from start: Int, escape: Int) throws(JSONError) -> String {
        var buffer = Array(bytes[start..<escape])
        position = escape
        while true {
            let byte = try peek()
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: buffer, as: UTF8.self) else {
                    throw JSONError(.invalidUTF8, at: start)
                }
                return text
            case UInt8(ascii: "\\"): try unescape(into: &buffer)
            case 0..<0x20: throw JSONError(.controlCharacter, at: position - 1)
            default: buffer.append(byte)
            }
        }
    }

    /// What follows a backslash.
    private mutating func unescape(into buffer: inout [UInt8]) throws(JSONError) {
        let byte = try peek()
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0c)
        case UInt8(ascii: "n"): buffer.append(0x0a)
        case UInt8(ascii: "r"): buffer.append(0x0d)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"): buffer.append(contentsOf: Array(String(Character(try scalar())).utf8))
        default: throw JSONError(.invalidEscape, at: position - 1)
        }
    }

    /// The scalar of `\uXXXX`, or of two of them that make a surrogate pair.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, bytes.count - position >= 6, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        position += 2
        let second = try codeUnit()
        guard (0xdc00...0xdfff).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { throw JSONError(.loneSurrogate, at: start) }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        guard bytes.count - position >= 4 else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONError(.invalidEscape, at: position)
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }
}
