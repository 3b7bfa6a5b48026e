import JSONTree

// The JSON forms of the language's own types. None converts: a value of another type, or one out of range, reads as nil.

extension String: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .string(let value) = json else { return nil }
        self = value
    }

    package var json: JSONValue { .string(self) }
    package static var schema: Schema { .string }
    package static var zero: String { "" }
}

extension Bool: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .bool(let value) = json else { return nil }
        self = value
    }

    package var json: JSONValue { .bool(self) }
    package static var schema: Schema { .boolean }
    package static var zero: Bool { false }
}

extension Int32: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .integer(let value) = json else { return nil }
        self.init(exactly: value)
    }

    package var json: JSONValue { .integer(Int64(self)) }
    package static var schema: Schema { .integer32 }
}

extension Int64: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .integer(let value) = json else { return nil }
        self = value
    }

    package var json: JSONValue { .integer(self) }
    package static var schema: Schema { .integer64 }
}

extension Double: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        switch json {
        case .integer(let value): self = Double(value)
        case .number(let text):
            guard let value = Double(text), value.isFinite else { return nil }
            self = value
        default: return nil
        }
    }

    /// JSON has no infinity and no NaN: they become null.
    package var json: JSONValue {
        if let whole = Int64(exactly: self) { return .integer(whole) }
        return isFinite ? .number(description) : .null
    }

    package static var schema: Schema { .number }
}

extension Array: JSONRepresentable, HasZero where Element: JSONRepresentable {
    package init?(json: JSONValue) {
        guard case .array(let values) = json else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(values.count)
        for value in values {
            guard let element = Element(json: value) else { return nil }
            elements.append(element)
        }
        self = elements
    }

    package var json: JSONValue { .array(map(\.json)) }
    package static var schema: Schema { .array(of: Element.schema) }
    package static var zero: [Element] { [] }
}

extension Dictionary: JSONRepresentable, HasZero where Key == String, Value: JSONRepresentable {
    package init?(json: JSONValue) {
        guard case .object(let object) = json else { return nil }
        self.init(minimumCapacity: object.count)
        for member in object.members {
            guard let value = Value(json: member.value) else { return nil }
            self[member.key] = value
        }
    }

    package var json: JSONValue { .object(JSONObject(lazy.map { ($0.key, $0.value.json) })) }
    package static var schema: Schema { .map(of: Value.schema) }
    package static var zero: [String: Value] { [:] }
}

extension JSONValue: JSONRepresentable, HasZero {
    package init?(json: JSONValue) { self = json }
    package var json: JSONValue { self }
    package static var schema: Schema { .any }
    package static var zero: JSONValue { .null }
}

extension JSONObject: JSONRepresentable, HasZero {
    package init?(json: JSONValue) {
        guard case .object(let object) = json else { return nil }
        self = object
    }

    package var json: JSONValue { .object(self) }
    package static var schema: Schema { .map(of: .any) }
    package static var zero: JSONObject { JSONObject() }
}
