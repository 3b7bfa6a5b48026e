/// A Swift type that one value of a field is read as.
package protocol ProtobufValue: Sendable, Hashable {
    /// What a definition in the protobuf language calls the type.
    static var protobufName: String { get }
    /// nil where the value has another type; never a default in its place. A message's own fields are not looked into.
    init?(wire: ProtobufReader.Value)
    var wire: ProtobufReader.Value { get }
    /// Looks into a value to its last field. `depth` counts the messages around it.
    static func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem)
}

/// A value that a field has where the message does not say.
package protocol ProtobufScalar: ProtobufValue {
    static var zero: Self { get }
}

/// A number; lists of them may come packed into one field.
package protocol ProtobufNumber: ProtobufScalar {
    init?(varint: UInt64)
    var varint: UInt64 { get }
}

extension ProtobufValue {
    package static func check(_ value: ProtobufReader.Value, depth: Int) throws(ProtobufReader.Problem) {
        guard Self(wire: value) != nil else { throw .init(text: "it is no \(protobufName)") }
    }
}

extension ProtobufNumber {
    package init?(wire: ProtobufReader.Value) {
        guard case .varint(let number) = wire else { return nil }
        self.init(varint: number)
    }

    package var wire: ProtobufReader.Value { .varint(varint) }
}

extension ProtobufNumber where Self: FixedWidthInteger {
    /// The low bits, as the format has it: a negative number is sent in ten bytes whatever its width.
    package init?(varint: UInt64) {
        self.init(truncatingIfNeeded: varint)
    }

    package var varint: UInt64 { UInt64(truncatingIfNeeded: Int64(truncatingIfNeeded: self)) }
    package static var zero: Self { 0 }
}

extension Int32: ProtobufNumber {
    package static var protobufName: String { "int32" }
}

extension Int64: ProtobufNumber {
    package static var protobufName: String { "int64" }
}

extension UInt32: ProtobufNumber {
    package static var protobufName: String { "uint32" }
}

extension UInt64: ProtobufNumber {
    package static var protobufName: String { "uint64" }
}

extension Bool: ProtobufNumber {
    package static var protobufName: String { "bool" }
    package static var zero: Bool { false }

    package init?(varint: UInt64) {
        self = varint != 0
    }

    package var varint: UInt64 { self ? 1 : 0 }
}

extension Double: ProtobufScalar {
    package static var protobufName: String { "double" }
    package static var zero: Double { 0 }

    package init?(wire: ProtobufReader.Value) {
        guard case .fixed64(let bits) = wire else { return nil }
        self.init(bitPattern: bits)
    }

    package var wire: ProtobufReader.Value { .fixed64(bitPattern) }
}

extension String: ProtobufScalar {
    package static var protobufName: String { "string" }
    package static var zero: String { "" }

    package init?(wire: ProtobufReader.Value) {
        guard case .bytes(let bytes) = wire, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self = text
    }

    package var wire: ProtobufReader.Value { .bytes(Array(utf8)[...]) }
}

extension [UInt8]: ProtobufValue, ProtobufScalar {
    package static var protobufName: String { "bytes" }
    package static var zero: [UInt8] { [] }

    package init?(wire: ProtobufReader.Value) {
        guard case .bytes(let bytes) = wire else { return nil }
        self.init(bytes)
    }

    package var wire: ProtobufReader.Value { .bytes(self[...]) }
}

/// An enumeration whose numbers are the format's. A number that it does not know is refused: it must not read as another.
package protocol ProtobufEnumeration: ProtobufNumber, RawRepresentable where RawValue == Int32 {}

extension ProtobufEnumeration {
    package static var protobufName: String { String(describing: Self.self) }

    package init?(varint: UInt64) {
        self.init(rawValue: Int32(truncatingIfNeeded: varint))
    }

    package var varint: UInt64 { rawValue.varint }
}
