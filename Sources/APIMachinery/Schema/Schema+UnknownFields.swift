import JSONTree

extension Schema {
    /// Paths of the members that the schema does not know, for strict field validation and its warnings; at most 64.
    package func unknownFields(in value: JSONValue, path: String = "") -> [String] {
        var walk = UnknownFields(path: FieldPath(path))
        walk.visit(value, self)
        return walk.found
    }

    /// Removes what is not stored: members that the schema does not know, and nulls and empty texts, lists and maps that mean absence.
    package func prune(_ value: inout JSONValue) {
        prune(&value, keepsEmpty: false)
    }

    /// As above, for a configuration that is applied: an empty list or map that is owned as a whole, or as a place for parts, is said there.
    func pruneConfiguration(_ value: inout JSONValue) {
        prune(&value, keepsEmpty: true)
    }

    private func prune(_ value: inout JSONValue, keepsEmpty: Bool) {
        switch (shape, value) {
        case (.object(let schema), .object(var object)):
            value = .null
            prune(&object, schema, keepsEmpty: keepsEmpty)
            value = .object(object)
        case (.map(let element), .object(var object)):
            value = .null
            object.update { _, member in
                guard !member.isNull || element.isNullable else { return false }
                element.prune(&member, keepsEmpty: keepsEmpty)
                return true
            }
            value = .object(object)
        case (.array(let element), .array(var values)) where element.isContainer:
            value = .null
            for index in values.indices { element.prune(&values[index], keepsEmpty: keepsEmpty) }
            value = .array(values)
        default: break
        }
    }

    /// As above, for an object.
    package func prune(_ object: inout JSONObject) {
        if let schema = self.object { prune(&object, schema, keepsEmpty: false) }
    }

    private func prune(_ object: inout JSONObject, _ schema: ObjectSchema, keepsEmpty: Bool) {
        let fields = schema.fields
        var index = 0
        object.update { key, value in
            while index < fields.count, fields[index].name < key { index += 1 }
            guard index < fields.count, fields[index].name == key else { return schema.keepsUnknownFields }
            let field = fields[index]
            guard !value.isNull || field.schema.isNullable else { return false }
            // What is owned as a whole is compared as a whole, with what is stored.
            field.schema.prune(&value, keepsEmpty: keepsEmpty && field.hasParts(value))
            return !field.isAbsent(value) || keepsEmpty && field.schema.isContainer
        }
    }

    /// Whether there is anything inside that a walk can find.
    var isContainer: Bool {
        switch shape {
        case .array, .map, .object: true
        default: false
        }
    }
}

extension FieldSchema {
    /// Whether server-side apply takes the value apart.
    fileprivate func hasParts(_ value: JSONValue) -> Bool {
        Granularity(schema, rules: rules).container(value) != nil
    }

    /// Whether the value, which is pruned, means that there is none. One of a wrong type is left for `check` to name.
    fileprivate func isAbsent(_ value: JSONValue) -> Bool {
        guard isAbsentWhenEmpty else { return false }
        return switch (schema.shape, value) {
        case (.string, .string(let text)): text.isEmpty
        case (.array, .array(let elements)): elements.isEmpty
        case (.map, .object(let object)): object.isEmpty
        default: false
        }
    }
}

private struct UnknownFields {
    static let maximum = 64
    var path: FieldPath
    var found: [String] = []

    mutating func visit(_ value: JSONValue, _ schema: Schema) {
        switch (schema.shape, value) {
        case (.object(let schema), .object(let object)): visit(object, schema)
        case (.map(let element), .object(let object)) where element.isContainer:
            for member in object.members { descend(.key(member.key), member.value, element) }
        case (.array(let element), .array(let values)) where element.isContainer:
            for (index, value) in values.enumerated() { descend(.index(index), value, element) }
        default: break
        }
    }

    private mutating func visit(_ object: JSONObject, _ schema: ObjectSchema) {
        let fields = schema.fields
        var index = 0
        for member in object.members {
            while index < fields.count, fields[index].name < member.key { index += 1 }
            if index < fields.count, fields[index].name == member.key {
                descend(.field(member.key), member.value, fields[index].schema)
            } else if !schema.keepsUnknownFields, found.count < Self.maximum {
                path.push(.field(member.key))
                found.append(path.description)
                path.pop()
            }
        }
    }

    private mutating func descend(_ step: FieldPath.Step, _ value: JSONValue, _ schema: Schema) {
        path.push(step)
        visit(value, schema)
        path.pop()
    }
}
