import JSONTree

/// One field that is at fault, in the words that users of kubectl know.
package struct FieldError: Sendable, Hashable, Error {
    package enum Kind: Sendable, Hashable {
        case required
        case invalid
        case typeInvalid
        case notSupported
        case duplicate
        case forbidden
        case tooLong
        case tooMany
        case notFound
        case internalError
    }

    package let kind: Kind
    /// `spec.containers[0].image`.
    package let path: String
    /// The value at fault as the message shows it, quoted if it is text; "" where it is not shown.
    package let value: String
    package let detail: String

    package init(_ kind: Kind, _ path: String, value: String = "", _ detail: String = "") {
        self.kind = kind
        self.path = path
        self.value = value
        self.detail = detail
    }

    var withoutValue: FieldError { .init(kind, path, detail) }

    package static func required(_ path: String, _ detail: String = "") -> FieldError {
        .init(.required, path, detail)
    }

    package static func invalid(_ path: String, _ value: JSONValue, _ detail: String) -> FieldError {
        .init(.invalid, path, value: shown(flat: value), detail)
    }

    package static func forbidden(_ path: String, _ detail: String) -> FieldError {
        .init(.forbidden, path, detail)
    }

    package static func duplicate(_ path: String, _ value: JSONValue, _ detail: String = "") -> FieldError {
        .init(.duplicate, path, value: shown(flat: value), detail)
    }

    package static func notFound(_ path: String, _ value: JSONValue) -> FieldError {
        .init(.notFound, path, value: shown(flat: value))
    }

    package static func notSupported(_ path: String, _ value: JSONValue, _ supported: [String]) -> FieldError {
        let list = supported.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return .init(.notSupported, path, value: shown(flat: value), "supported values: \(list)")
    }

    package static func tooLong(_ path: String, _ maximum: Int) -> FieldError {
        .init(.tooLong, path, "may not be more than \(maximum) bytes")
    }

    package static func tooMany(_ path: String, _ actual: Int, _ maximum: Int) -> FieldError {
        .init(.tooMany, path, value: String(actual), "must have at most \(maximum) items")
    }

    /// As `shown`, but a small list or object in full.
    package static func shown(flat value: JSONValue) -> String {
        switch value {
        case .array, .object: value.weight(limit: 256) <= 256 ? value.text : shown(value)
        default: shown(value)
        }
    }

    /// The value as a message shows it: text quoted, lists and objects by their kind alone, so that no message grows with its input.
    package static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .number(let text): text
        case .string(let text): "\"\(text.utf8.count > 256 ? text.prefix(256) + "..." : text)\""
        case .array: "array"
        case .object: "object"
        }
    }
}

extension FieldError: CustomStringConvertible {
    package var description: String {
        path.isEmpty ? message : "\(path): \(message)"
    }

    /// Without the path.
    package var message: String {
        let shown = value.isEmpty ? title : "\(title): \(value)"
        return detail.isEmpty ? shown : "\(shown): \(detail)"
    }

    package var cause: StatusCause {
        StatusCause {
            $0.reason = reason
            $0.message = message
            $0.field = path
        }
    }

    private var title: String {
        switch kind {
        case .required: "Required value"
        case .invalid, .typeInvalid: "Invalid value"
        case .notSupported: "Unsupported value"
        case .duplicate: "Duplicate value"
        case .forbidden: "Forbidden"
        case .tooLong: "Too long"
        case .tooMany: "Too many"
        case .notFound: "Not found"
        case .internalError: "Internal error"
        }
    }

    private var reason: String {
        switch kind {
        case .required: "FieldValueRequired"
        case .invalid: "FieldValueInvalid"
        case .typeInvalid: "FieldValueTypeInvalid"
        case .notSupported: "FieldValueNotSupported"
        case .duplicate: "FieldValueDuplicate"
        case .forbidden: "FieldValueForbidden"
        case .tooLong: "FieldValueTooLong"
        case .tooMany: "FieldValueTooMany"
        case .notFound: "FieldValueNotFound"
        case .internalError: "InternalError"
        }
    }
}
