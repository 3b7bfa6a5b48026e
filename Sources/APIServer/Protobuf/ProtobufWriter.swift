/// Writes the fields of one protobuf message.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ number: Int, _ value: UInt64) {
        tag(number, 0)
        append(value)
    }

    mutating func bytes(_ number: Int, _ value: [UInt8]) {
        tag(number, 2)
        append(UInt64(value.count))
        bytes += value
    }

    mutating func double(_ number: Int, _ value: Double) {
        tag(number, 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func message(_ number: Int, _ fill: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        fill(&inner)
        bytes(number, inner.bytes)
    }

    private mutating func tag(_ number: Int, _ wireType: UInt64) {
        append(UInt64(number) << 3 | wireType)
    }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
