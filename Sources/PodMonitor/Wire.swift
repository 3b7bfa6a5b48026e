/// Writes a message: numbers with their lowest byte first, byte strings with a 32-bit length before them.
package struct WireWriter {
    package private(set) var bytes: [UInt8]

    package init(_ kind: MessageKind, request: UInt32) {
        bytes = []
        bytes.reserveCapacity(64)
        append(kind.rawValue)
        append(request)
    }

    package mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        var rest = UInt64(truncatingIfNeeded: number)
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    package mutating func append(bytes text: [UInt8]) {
        append(UInt32(truncatingIfNeeded: text.count))
        bytes.append(contentsOf: text)
    }
}

/// Reads a message. Once something did not fit, every further value is zero or empty and `failed` says so.
package struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    package private(set) var failed = false

    /// The memory must outlive the reader.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var isAtEnd: Bool { offset == bytes.count }

    package mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
        let width = Number.bitWidth / 8
        guard bytes.count - offset >= width else {
            failed = true
            return 0
        }
        var value: UInt64 = 0
        for index in 0..<width { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += width
        return Number(truncatingIfNeeded: value)
    }

    /// A byte string of at most `limit` bytes.
    package mutating func string(limit: Int) -> [UInt8] {
        let part = slice(limit: limit)
        var copy: [UInt8] = []
        copy.reserveCapacity(part.count)
        for byte in part { copy.append(byte) }
        return copy
    }

    /// A byte string where it lies.
    package mutating func slice(limit: Int) -> UnsafeRawBufferPointer {
        let count = Int(number(UInt32.self))
        guard !failed, count <= limit, bytes.count - offset >= count else {
            failed = true
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
        offset += count
        return part
    }
}
