/// Walks over the fields of one protobuf message (proto2 wire format), without knowing what they mean.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    struct Problem: Error {
        let text: String
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field, nil at the end. Fixed-width numbers do not occur in the API.
    mutating func next() throws(Problem) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let tag = try varint()
        guard tag >> 3 <= 0x1FFF_FFFF, tag >> 3 > 0 else { throw Problem(text: "a field number is out of range") }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 2:
            let length = try varint()
            guard length <= UInt64(bytes.endIndex - position) else {
                throw Problem(text: "a field is longer than its message")
            }
            let end = position + Int(length)
            defer { position = end }
            return (number, .bytes(bytes[position..<end]))
        default: throw Problem(text: "field \(number) has wire type \(tag & 7)")
        }
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
