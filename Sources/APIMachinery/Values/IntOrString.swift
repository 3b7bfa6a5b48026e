import JSONTree

/// A number or a text: a port by number or name, a count or a percentage.
package enum IntOrString: Sendable, Hashable {
    case integer(Int32)
    case string(String)

    package var integer: Int32? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number, or for "N%" that share of `total`. nil where the text is no percentage. Saturates instead of overflowing.
    package func scaled(to total: Int, roundingUp: Bool) -> Int? {
        switch self {
        case .integer(let value): return Int(value)
        case .string(let text):
            guard text.last == "%", let percent = Int32(text.dropLast()), percent >= 0 else { return nil }
            let product = Int128(percent) * Int128(total)
            let rounded = roundingUp ? (product + (product > 0 ? 99 : 0)) / 100 : product / 100
            return Int(clamping: rounded)
        }
    }
}

extension IntOrString: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        switch json {
        case .integer(let value):
            guard let value = Int32(exactly: value) else { return nil }
            self = .integer(value)
        case .string(let text): self = .string(text)
        default: return nil
        }
    }

    package var json: JSONValue {
        switch self {
        case .integer(let value): .integer(Int64(value))
        case .string(let text): .string(text)
        }
    }

    package static var schema: Schema { .intOrString }
    package static var zero: IntOrString { .integer(0) }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, CustomStringConvertible {
    package init(integerLiteral value: Int32) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .string(value) }

    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .string(let text): text
        }
    }
}
