import JSONTree

/// The declaration of one field: everything the API machinery knows of it follows from this.
package protocol AnyField: Sendable {
    var name: String { get }
    var summary: String { get }
    var rules: [Rule] { get }
    /// What a create or update fills in where the field is absent; nil: nothing.
    var defaultValue: JSONValue? { get }
    /// Absent, it reads as zero: neither required nor defaulted to something else.
    var omitsZero: Bool { get }
    var schema: Schema { get }
}

/// A field that may be absent: reads as an optional. A reference (as `Total`), so that views read through it without copying it.
package final class Key<Value: JSONRepresentable>: AnyField {
    package let name: String
    package let summary: String
    package let rules: [Rule]
    private let fallback: Value?

    package init(_ name: String, _ summary: String, default fallback: Value? = nil, _ rules: Rule...) {
        self.name = name
        self.summary = summary
        self.fallback = fallback
        self.rules = rules
    }

    package var defaultValue: JSONValue? { fallback?.json }
    package var omitsZero: Bool { false }
    package var schema: Schema { Value.schema }
}

/// A field that always reads as a value: a required one, a list or map (empty where absent), or one with a default.
package final class Total<Value: JSONRepresentable & HasZero>: AnyField {
    package let name: String
    package let summary: String
    package let rules: [Rule]
    package let fallback: Value
    private let isDefaulted: Bool
    /// So writing zero removes the field.
    package let omitsZero: Bool

    package init(_ name: String, _ summary: String, default fallback: Value? = nil, _ rules: Rule...) {
        self.name = name
        self.summary = summary
        self.fallback = fallback ?? .zero
        isDefaulted = fallback != nil
        omitsZero = fallback == nil && !rules.contains(.required)
        self.rules = rules
    }

    package var defaultValue: JSONValue? { isDefaulted ? fallback.json : nil }
    package var schema: Schema { Value.schema }
}
