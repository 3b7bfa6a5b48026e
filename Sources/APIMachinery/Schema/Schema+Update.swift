import JSONTree

extension Schema {
    /// What an update may not do: change a field that is immutable. Items of a `listMap` are compared with the item of the same keys.
    package func checkUpdate(from old: JSONValue, to new: JSONValue, path: String = "") -> [FieldError] {
        var check = UpdateCheck(path: FieldPath(path))
        check.visit(old, new, self)
        return check.errors
    }
}

private struct UpdateCheck {
    var path: FieldPath
    var errors: [FieldError] = []

    mutating func visit(_ old: JSONValue, _ new: JSONValue, _ schema: Schema) {
        guard errors.count < SchemaCheck.maximumErrors, old != new else { return }
        guard case .object(let schema) = schema.shape, case .object(let before) = old, case .object(let after) = new
        else { return }
        for field in schema.fields {
            path.push(.field(field.name))
            visit(before[field.name], after[field.name], field)
            path.pop()
        }
    }

    private mutating func visit(_ old: JSONValue?, _ new: JSONValue?, _ field: FieldSchema) {
        guard let old, !old.isNull else { return }
        if field.rules.contains(.immutable) {
            if new != old { errors.append(.invalid(path.description, new ?? .null, "field is immutable")) }
            return
        }
        guard let new else { return }
        let keys = field.rules.lazy.compactMap { if case .listMap(let keys) = $0 { keys } else { nil } }.first
        if let keys, case .array(let element) = field.schema.shape, case .array(let before) = old,
            case .array(let after) = new
        {
            visit(before, after, element, keys)
        } else {
            visit(old, new, field.schema)
        }
    }

    private mutating func visit(_ old: [JSONValue], _ new: [JSONValue], _ element: Schema, _ keys: [String]) {
        let known = Dictionary(
            old.map { item in (keys.map { item[$0] ?? .null }, item) }, uniquingKeysWith: { first, _ in first })
        for (index, item) in new.enumerated() {
            guard let before = known[keys.map { item[$0] ?? .null }] else { continue }
            path.push(.index(index))
            visit(before, item, element)
            path.pop()
        }
    }
}
