/// A value of D-Bus's type system, without the types that a service manager's interface has no use for: numbers of 16 bits, floating point,
/// dictionaries and descriptors.
package indirect enum DBusValue: Sendable, Equatable {
    case byte(UInt8)
    case bool(Bool)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case string(String)
    case path(String)
    case signature(String)
    /// All elements have the signature `of`.
    case array(of: String, [DBusValue])
    case structure([DBusValue])
    case variant(DBusValue)

    /// The name of its type as the protocol writes it.
    package var signature: String {
        switch self {
        case .byte: "y"
        case .bool: "b"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .string: "s"
        case .path: "o"
        case .signature: "g"
        case .array(let element, _): "a" + element
        case .structure(let members): "(" + members.map { $0.signature }.joined() + ")"
        case .variant: "v"
        }
    }

    /// To how many bytes a value is aligned whose signature begins with `type`; nil for types that are not read here.
    static func alignment(_ type: UInt8) -> Int? {
        switch type {
        case UInt8(ascii: "y"), UInt8(ascii: "g"), UInt8(ascii: "v"): 1
        case UInt8(ascii: "b"), UInt8(ascii: "i"), UInt8(ascii: "u"): 4
        case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "a"): 4
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "("): 8
        default: nil
        }
    }
}
