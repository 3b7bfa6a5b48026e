import JSONTree

extension Schema {
    /// Fills in the defaults of fields that are absent (or null), where the object that they belong to is there. Quantities become
    /// canonical. Running it twice changes nothing. Values of a wrong type are left as they are, for `check` to name.
    package func applyDefaults(_ value: inout JSONValue) {
        switch (shape, value) {
        case (.object(let schema), .object(var object)):
            value = .null
            Self.applyDefaults(&object, schema)
            value = .object(object)
        case (.map(let element), .object(var object)) where element.isChangedByDefaults:
            value = .null
            object.update { _, member in
                element.applyDefaults(&member)
                return true
            }
            value = .object(object)
        case (.array(let element), .array(var values)) where element.isChangedByDefaults:
            value = .null
            for index in values.indices { element.applyDefaults(&values[index]) }
            value = .array(values)
        case (.quantity, _): Self.canonicalize(&value)
        default: break
        }
    }

    /// As above, for an object.
    package func applyDefaults(_ object: inout JSONObject) {
        if let schema = self.object { Self.applyDefaults(&object, schema) }
    }

    private static func applyDefaults(_ object: inout JSONObject, _ schema: ObjectSchema) {
        let fields = schema.fields
        let members = object.members
        var missing: [JSONObject.Member] = []
        var index = 0
        for field in schema.defaultedFields {
            while index < members.count, members[index].key < field.name { index += 1 }
            let isPresent =
                index < members.count && members[index].key == field.name
                && (!members[index].value.isNull || field.schema.isNullable)
            if !isPresent, let value = field.defaultValue { missing.append(.init(key: field.name, value: value)) }
        }
        if !missing.isEmpty { object.merge(sorted: missing) }
        var next = 0
        object.update { key, value in
            while next < fields.count, fields[next].name < key { next += 1 }
            if next < fields.count, fields[next].name == key { fields[next].schema.applyDefaults(&value) }
            return true
        }
    }

    private static func canonicalize(_ value: inout JSONValue) {
        guard let quantity = Quantity(json: value) else { return }
        // Only within the range that is kept exactly: elsewhere the text says more.
        let canonical = quantity.description
        if value != .string(canonical), abs(quantity.nanos) < Quantity.limit { value = .string(canonical) }
    }

    private var isChangedByDefaults: Bool {
        switch shape {
        case .array, .map, .object, .quantity: true
        default: false
        }
    }
}
