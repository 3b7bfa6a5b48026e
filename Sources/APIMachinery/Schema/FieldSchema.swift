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
    /// An empty text, list or map here is no value at all, as clients in Go write it: the default takes its place, or nothing.
    let isAbsentWhenEmpty: Bool

    package init(
        _ name: String, _ summary: String = "", _ schema: Schema, rules: [Rule] = [], defaultValue: JSONValue? = nil,
        omitsZero: Bool = false
    ) {
        self.name = name
        self.summary = summary
        self.schema = schema
        self.rules = rules
        self.defaultValue = defaultValue
        isRequired = rules.contains(.required)
        union = rules.lazy.compactMap { if case .union(let name) = $0 { name } else { nil } }.first
        isAbsentWhenEmpty =
            switch schema.shape {
            case .string: !rules.contains(.required) && Self.hasNoEmptyText(rules, defaultValue)
            case .array, .map: omitsZero
            default: false
            }
    }

    /// Whether "" breaks a rule, or would stand in place of a default.
    private static func hasNoEmptyText(_ rules: [Rule], _ defaultValue: JSONValue?) -> Bool {
        if let text = defaultValue?.string { return !text.isEmpty }
        return rules.contains { rule in
            switch rule {
            case .oneOf(let choices): !choices.contains("")
            case .format(let format): format.mismatch("") != nil
            default: false
            }
        }
    }

    package convenience init(_ field: any AnyField) {
        self.init(
            field.name, field.summary, field.schema, rules: field.rules, defaultValue: field.defaultValue,
            omitsZero: field.omitsZero)
    }
}
