import JSONTree

/// One field of an `ObjectSchema`. A reference, so that walks over fields copy nothing.
package final class FieldSchema: Sendable {
    package let name: String
    /// One or two sentences for `kubectl explain`.
    package let summary: String
    package let schema: Schema
    package let rules: [Rule]
    package let defaultValue: JSONValue?
    package let isRequired: Bool
    /// The union that this field belongs to: at most one field of a union is set.
    package let union: String?

    package init(
        _ name: String, _ summary: String = "", _ schema: Schema, rules: [Rule] = [], defaultValue: JSONValue? = nil
    ) {
        self.name = name
        self.summary = summary
        self.schema = schema
        self.rules = rules
        self.defaultValue = defaultValue
        isRequired = rules.contains(.required)
        union = rules.lazy.compactMap { if case .union(let name) = $0 { name } else { nil } }.first
    }

    package convenience init(_ field: any AnyField) {
        self.init(
            field.name, field.summary, field.schema, rules: field.rules, defaultValue: field.defaultValue)
    }
}
