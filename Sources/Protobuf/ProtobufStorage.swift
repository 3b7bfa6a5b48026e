/// The fields of a message in the order in which they came, those that nobody here knows among them.
package struct ProtobufStorage: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var number: Int
        var value: ProtobufReader.Value
    }

    /// More fields than this in one message, not counting those of messages in it, are refused.
    package static let fieldLimit = 1 << 18

    private(set) var entries: [Entry] = []

    package init() {}

    /// Reads one message's fields; those within its own messages stay bytes.
    package init(_ bytes: ArraySlice<UInt8>) throws(ProtobufReader.Problem) {
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            guard entries.count < Self.fieldLimit else {
                throw ProtobufReader.Problem(text: "a message has more than \(Self.fieldLimit) fields")
            }
            entries.append(Entry(number: number, value: value))
        }
    }

    /// Of several values for a field that holds one, the last counts.
    func last(_ number: Int) -> ProtobufReader.Value? {
        entries.last { $0.number == number }?.value
    }

    func all(_ number: Int) -> [ProtobufReader.Value] {
        entries.filter { $0.number == number }.map(\.value)
    }

    mutating func set(_ number: Int, to values: [ProtobufReader.Value]) {
        entries.removeAll { $0.number == number }
        entries += values.map { Entry(number: number, value: $0) }
    }

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        for entry in entries { writer.add(entry.number, entry.value) }
        return writer.bytes
    }
}

/// Writes fields one after the other.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: Int, _ value: ProtobufReader.Value) {
        let tag = UInt64(number) << 3
        switch value {
        case .varint(let number):
            varint(tag)
            varint(number)
        case .fixed64(let number):
            varint(tag | 1)
            fixed(number, 8)
        case .bytes(let content):
            varint(tag | 2)
            varint(UInt64(content.count))
            bytes += content
        case .fixed32(let number):
            varint(tag | 5)
            fixed(UInt64(number), 4)
        }
    }

    private mutating func fixed(_ number: UInt64, _ count: Int) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(index)))) }
    }

    private mutating func varint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
