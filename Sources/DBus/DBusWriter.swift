/// Puts values into bytes, little end first, each aligned as the protocol wants it from the first byte on.
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(_ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    /// Throws where a text holds a zero byte, which the protocol has no way to say.
    mutating func write(_ value: DBusValue) throws(DBusError) {
        switch value {
        case .byte(let number): bytes.append(number)
        case .bool(let flag): write(number: UInt32(flag ? 1 : 0))
        case .int32(let number): write(number: number)
        case .uint32(let number): write(number: number)
        case .int64(let number): write(number: number)
        case .uint64(let number): write(number: number)
        case .string(let text), .path(let text):
            write(number: UInt32(text.utf8.count))
            try write(text: text)
        case .signature(let text):
            bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
            try write(text: text)
        case .array(let element, let values): try write(values, element)
        case .structure(let members):
            align(8)
            for member in members { try write(member) }
        case .variant(let value):
            try write(.signature(value.signature))
            try write(value)
        }
    }

    private mutating func write<Number: FixedWidthInteger>(number: Number) {
        align(MemoryLayout<Number>.size)
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    private mutating func write(text: String) throws(DBusError) {
        guard !text.utf8.contains(0) else { throw .malformed("a text with a zero byte in it") }
        bytes += text.utf8
        bytes.append(0)
    }

    /// The length does not count what aligns the first element.
    private mutating func write(_ values: [DBusValue], _ element: String) throws(DBusError) {
        write(number: UInt32(0))
        let place = bytes.count - 4
        align(element.utf8.first.flatMap(DBusValue.alignment) ?? 1)
        let start = bytes.count
        for value in values { try write(value) }
        withUnsafeBytes(of: UInt32(bytes.count - start).littleEndian) { length in
            bytes.replaceSubrange(place..<(place + 4), with: length)
        }
    }
}
