import JSONTree

extension Schema {
    /// All that is wrong with a value: types, required fields, rules, unions, repeated items. Empty: every view on it reads what is there.
    /// Unknown fields are no error here: see `unknownFields`. null counts as absent, except where the schema allows it.
    ///
    /// At most `SchemaCheck.maximumErrors` are returned.
    package func check(_ value: JSONValue, path: String = "") -> [FieldError] {
        var check = SchemaCheck(path: path)
        check.visit(value, self)
        return check.errors
    }
}

/// One walk over a value and its schema.
struct SchemaCheck {
    /// An object with more faults than this has them listed up to here.
    static let maximumErrors = 64

    private(set) var errors: [FieldError] = []
    var path: FieldPath

    init(path: String) {
        self.path = FieldPath(path)
    }

    mutating func visit(_ value: JSONValue, _ schema: Schema) {
        guard errors.count < Self.maximumErrors else { return }
        if schema.isNullable, value.isNull { return }
        switch (schema.shape, value) {
        case (.object(let object), .object(let members)): visit(members, object)
        case (.array(let element), .array(let values)): visit(values, element)
        case (.map(let element), .object(let members)): visit(members, element)
        default:
            if let expected = schema.shape.mismatch(with: value) {
                return fail(.init(.typeInvalid, path.description, value: FieldError.shown(value), expected))
            }
        }
        for rule in schema.rules { apply(rule, of: schema.rules, to: value) }
    }

    /// Both sides are sorted by name, so they are walked together.
    private mutating func visit(_ object: JSONObject, _ schema: ObjectSchema) {
        let members = object.members
        var index = 0
        for field in schema.fields {
            while index < members.count, members[index].key < field.name { index += 1 }
            if index < members.count, members[index].key == field.name,
                !members[index].value.isNull || field.schema.isNullable
            {
                path.push(.field(field.name))
                visit(members[index].value, field)
                path.pop()
                index += 1
            } else if field.isRequired {
                path.push(.field(field.name))
                fail(.required(path.description))
                path.pop()
            }
        }
        for union in schema.unions { check(union: union, of: schema, in: object) }
    }

    private mutating func visit(_ value: JSONValue, _ field: FieldSchema) {
        if field.isRequired, field.isMissing(value) { return fail(.required(path.description)) }
        let known = errors.count
        visit(value, field.schema)
        if field.rules.contains(.confidential) { conceal(from: known) }
        // Rules are about values of the right type.
        guard errors.count == known else { return }
        for rule in field.rules { apply(rule, of: field.rules, to: value) }
    }

    private mutating func visit(_ values: [JSONValue], _ element: Schema) {
        path.push(.index(0))
        for (index, value) in values.enumerated() {
            path.replaceLast(.index(index))
            visit(value, element)
        }
        path.pop()
    }

    private mutating func visit(_ object: JSONObject, _ element: Schema) {
        path.push(.key(""))
        for member in object.members where !member.value.isNull || element.isNullable {
            path.replaceLast(.key(member.key))
            visit(member.value, element)
        }
        path.pop()
    }

    private mutating func check(union: String, of schema: ObjectSchema, in object: JSONObject) {
        var isFound = false
        for field in schema.fields where field.union == union {
            guard let value = object[field.name], !value.isNull else { continue }
            guard isFound else {
                isFound = true
                continue
            }
            path.push(.field(field.name))
            fail(.forbidden(path.description, "may not specify more than 1 \(union)"))
            path.pop()
        }
    }

    private mutating func conceal(from first: Int) {
        for index in errors.indices.dropFirst(first) { errors[index] = errors[index].withoutValue }
    }

    mutating func fail(_ error: FieldError) {
        if errors.count < Self.maximumErrors { errors.append(error) }
    }
}

extension FieldSchema {
    /// A required name that is empty is as good as absent: "Required value" says more than "does not match".
    fileprivate func isMissing(_ value: JSONValue) -> Bool {
        guard value == "" || value == .array([]) else { return false }
        return rules.contains { rule in
            switch rule {
            case .format, .minLength, .minItems: true
            default: false
            }
        }
    }
}

extension Schema.Shape {
    /// What the value should have been; nil where it is. Contents of lists and objects are not looked at.
    func mismatch(with value: JSONValue) -> String? {
        switch self {
        case .any: nil
        case .string: value.string == nil ? "must be of type string" : nil
        case .boolean: value.bool == nil ? "must be of type boolean" : nil
        case .integer32: value.integer.flatMap(Int32.init(exactly:)) == nil ? "must be of type integer (32 bits)" : nil
        case .integer64: value.integer == nil ? "must be of type integer" : nil
        case .number: Double(json: value) == nil ? "must be of type number" : nil
        case .intOrString: IntOrString(json: value) == nil ? "must be of type integer (32 bits) or string" : nil
        case .quantity: Quantity(json: value) == nil ? "must be a quantity, such as 500m, 2 or 1Gi" : nil
        case .timestamp, .microTime:
            Timestamp(json: value) == nil ? "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z" : nil
        case .bytes: Bytes(json: value) == nil ? "must be base64 text" : nil
        case .array: value.array == nil ? "must be of type array" : nil
        case .map, .object: value.object == nil ? "must be of type object" : nil
        }
    }
}
