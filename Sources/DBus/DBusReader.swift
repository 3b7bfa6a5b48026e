/// Takes values out of bytes that somebody else made: no length, alignment or signature among them is trusted, and nesting ends at 16.
struct DBusReader {
    private let bytes: [UInt8]
    private let isBigEndian: Bool
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int = 0, isBigEndian: Bool) {
        self.bytes = bytes
        self.position = position
        self.isBigEndian = isBigEndian
    }

    /// The values of a whole signature, which the rest of the bytes must be.
    mutating func values(_ signature: String) throws(DBusError) -> [DBusValue] {
        let types = Array(signature.utf8)
        var values: [DBusValue] = []
        var index = 0
        while index < types.count { values.append(try value(types, &index, depth: 0)) }
        guard position == bytes.count else { throw .malformed("\(bytes.count - position) bytes too many") }
        return values
    }

    /// One value of the complete type that begins at `index`, which then lies behind it.
    mutating func value(_ types: [UInt8], _ index: inout Int, depth: Int) throws(DBusError) -> DBusValue {
        guard depth < 16, index < types.count else { throw .malformed("a signature without end") }
        let type = types[index]
        index += 1
        switch type {
        case UInt8(ascii: "y"): return .byte(try number())
        case UInt8(ascii: "b"): return .bool(try number(UInt32.self) != 0)
        case UInt8(ascii: "i"): return .int32(try number())
        case UInt8(ascii: "u"): return .uint32(try number())
        case UInt8(ascii: "x"): return .int64(try number())
        case UInt8(ascii: "t"): return .uint64(try number())
        case UInt8(ascii: "s"): return .string(try text(Int(number(UInt32.self))))
        case UInt8(ascii: "o"): return .path(try text(Int(number(UInt32.self))))
        case UInt8(ascii: "g"): return .signature(try text(Int(number(UInt8.self))))
        case UInt8(ascii: "a"): return try array(types, &index, depth)
        case UInt8(ascii: "("): return try structure(types, &index, depth)
        case UInt8(ascii: "v"):
            let inner = Array(try text(Int(number(UInt8.self))).utf8)
            var start = 0
            let value = try value(inner, &start, depth: depth + 1)
            guard start == inner.count else { throw .malformed("a variant of several values") }
            return .variant(value)
        default: throw .malformed("type \(type)")
        }
    }

    mutating func align(_ size: Int) throws(DBusError) {
        let aligned = (position + size - 1) / size * size
        guard aligned <= bytes.count else { throw .malformed("it ends too early") }
        position = aligned
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(DBusError) -> Number {
        let size = MemoryLayout<Number>.size
        try align(size)
        guard size <= bytes.count - position else { throw .malformed("it ends too early") }
        var number: Number = 0
        for offset in 0..<size {
            let byte = bytes[position + (isBigEndian ? offset : size - 1 - offset)]
            number = number << 8 | Number(truncatingIfNeeded: byte)
        }
        position += size
        return number
    }

    private mutating func text(_ length: Int) throws(DBusError) -> String {
        guard length < bytes.count - position, bytes[position + length] == 0 else {
            throw .malformed("a text without its end")
        }
        let text = bytes[position..<(position + length)]
        guard !text.contains(0), let whole = String(validating: text, as: UTF8.self) else {
            throw .malformed("a text that is not UTF-8")
        }
        position += length + 1
        return whole
    }

    private mutating func structure(
        _ types: [UInt8], _ index: inout Int, _ depth: Int
    ) throws(DBusError) -> DBusValue {
        try align(8)
        var members: [DBusValue] = []
        while index < types.count, types[index] != UInt8(ascii: ")") {
            members.append(try value(types, &index, depth: depth + 1))
        }
        guard index < types.count, !members.isEmpty else { throw .malformed("a structure without members or end") }
        index += 1
        return .structure(members)
    }

    private mutating func array(_ types: [UInt8], _ index: inout Int, _ depth: Int) throws(DBusError) -> DBusValue {
        let length = Int(try number(UInt32.self))
        let first = index
        index = try DBusReader.end(of: types, first, depth: depth + 1)
        try align(DBusValue.alignment(types[first]) ?? 1)
        guard length <= bytes.count - position else { throw .malformed("an array beyond the end") }
        let end = position + length
        var values: [DBusValue] = []
        // No type is of no bytes: each turn comes closer to the end.
        while position < end {
            var start = first
            values.append(try value(types, &start, depth: depth + 1))
        }
        guard position == end else { throw .malformed("an array that ends within a value") }
        return .array(of: String(decoding: types[first..<index], as: UTF8.self), values)
    }

    /// Where the complete type that begins at `index` ends.
    private static func end(of types: [UInt8], _ index: Int, depth: Int) throws(DBusError) -> Int {
        guard depth < 16, index < types.count, DBusValue.alignment(types[index]) != nil else {
            throw .malformed("a signature without end")
        }
        if types[index] == UInt8(ascii: "a") { return try end(of: types, index + 1, depth: depth + 1) }
        guard types[index] == UInt8(ascii: "(") else { return index + 1 }
        var next = index + 1
        while next < types.count, types[next] != UInt8(ascii: ")") {
            next = try end(of: types, next, depth: depth + 1)
        }
        guard next < types.count, next > index + 1 else { throw .malformed("a structure without members or end") }
        return next + 1
    }
}
