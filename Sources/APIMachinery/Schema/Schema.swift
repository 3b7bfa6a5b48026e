import JSONTree

/// What a JSON value must look like: its shape and the rules that it keeps. Compiled in from the field declarations of a type, or built at
/// run time for a custom resource; nothing that reads a schema can tell the two apart.
package struct Schema: Sendable {
    package indirect enum Shape: Sendable {
        case string
        case boolean
        case integer32
        case integer64
        /// Any JSON number.
        case number
        /// A 32-bit integer or a string.
        case intOrString
        /// A string or a number that `Quantity` reads.
        case quantity
        /// RFC 3339 to the second.
        case timestamp
        /// RFC 3339 to the microsecond.
        case microTime
        /// Base64.
        case bytes
        /// Anything; unknown members are kept.
        case any
        case array(Schema)
        /// An object with keys of the user's choice.
        case map(Schema)
        case object(ObjectSchema)
    }

    package var shape: Shape
    /// Rules for the value itself. A field's own rules stand beside it, in `FieldSchema`.
    package var rules: [Rule]
    /// null is a value here, and no absence. Custom resources only.
    package var isNullable: Bool

    package init(_ shape: Shape, rules: [Rule] = [], isNullable: Bool = false) {
        self.shape = shape
        self.rules = rules
        self.isNullable = isNullable
    }

    package static let string = Schema(.string)
    package static let boolean = Schema(.boolean)
    package static let integer32 = Schema(.integer32)
    package static let integer64 = Schema(.integer64)
    package static let number = Schema(.number)
    package static let intOrString = Schema(.intOrString)
    package static let quantity = Schema(.quantity)
    package static let timestamp = Schema(.timestamp)
    package static let microTime = Schema(.microTime)
    package static let bytes = Schema(.bytes)
    package static let any = Schema(.any)

    package static func array(of element: Schema) -> Schema { .init(.array(element)) }
    package static func map(of element: Schema) -> Schema { .init(.map(element)) }
    package static func object(_ object: ObjectSchema) -> Schema { .init(.object(object)) }

    /// The fields, where this is an object with declared fields.
    package var object: ObjectSchema? {
        if case .object(let object) = shape { object } else { nil }
    }
}
