/// Walks over the fields of one protobuf message, without knowing what they mean.
package struct ProtobufReader {
    /// A field's value as the wire has it.
    package enum Value: Sendable, Hashable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    package struct Problem: Error, Sendable, Hashable {
        package let text: String

        package init(text: String) {
            self.text = text
        }
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field, nil at the end. Groups, which nobody has used since 2008, are refused.
    package mutating func next() throws(Problem) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let tag = try varint()
        guard tag >> 3 <= 0x1FFF_FFFF, tag >> 3 > 0 else { throw Problem(text: "a field number is out of range") }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(8)))
        case 2: return (number, .bytes(try take(try varint())))
        case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        default: throw Problem(text: "field \(number) has wire type \(tag & 7)")
        }
    }

    /// One number without a tag, as packed lists have them; nil at the end.
    package mutating func nextPacked() throws(Problem) -> UInt64? {
        position < bytes.endIndex ? try varint() : nil
    }

    private mutating func take(_ count: UInt64) throws(Problem) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - position) else {
            throw Problem(text: "a field is longer than its message")
        }
        let end = position + Int(count)
        defer { position = end }
        return bytes[position..<end]
    }

    private mutating func fixed(_ count: UInt64) throws(Problem) -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func varint() throws(Problem) -> UInt64 {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.endIndex else { throw Problem(text: "the message ends inside a number") }
            let byte = bytes[position]
            position += 1
            if shift < 64 { result |= UInt64(byte & 0x7F) << shift }
            if byte & 0x80 == 0 { return result }
        }
        throw Problem(text: "a number is longer than ten bytes")
    }
}
