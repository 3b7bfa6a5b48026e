import JSONTree

/// Collects the OpenAPI form of schemas, each named type once, as `components.schemas` (v3) or `definitions` (v2) of a document. The API
/// server puts paths around it.
package struct OpenAPIComponents: Sendable {
    package enum Version: Sendable {
        case v2, v3
    }

    package let version: Version
    /// By the name of the type.
    package private(set) var schemas = JSONObject()

    package init(_ version: Version = .v3) {
        self.version = version
    }

    /// Adds a kind, its list and all that they name. Returns references to both. Adding it again changes nothing.
    package mutating func add(_ kind: ResourceKind, _ schema: Schema) -> (object: JSONValue, list: JSONValue) {
        let object = addRequest(kind, schema)
        let list = reference(to: .object(.list(of: kind, schema)))
        mark(.object(.list(of: kind, schema)), as: kind.groupVersion, kind.kind + "List")
        return (object, list)
    }

    /// Adds a kind that is only sent and never listed, and all that it names.
    package mutating func addRequest(_ kind: ResourceKind, _ schema: Schema) -> JSONValue {
        let object = reference(to: schema)
        mark(schema, as: kind.groupVersion, kind.kind)
        return object
    }

    /// Says of a type that was added that it is this kind; of some, such as the options of a deletion, in every group.
    package mutating func mark(_ schema: Schema, as place: GroupVersion, _ kind: String) {
        guard let name = schema.object?.name, case .object(var body)? = schemas[name] else { return }
        let mark: JSONValue = [
            "group": .string(place.group), "version": .string(place.version), "kind": .string(kind),
        ]
        var marks = body["x-kubernetes-group-version-kind"]?.array ?? []
        if !marks.contains(mark) { marks.append(mark) }
        body["x-kubernetes-group-version-kind"] = .array(marks)
        schemas[name] = .object(body)
    }

    /// The form of a schema where it is used: a reference for a type with a name.
    package mutating func reference(to schema: Schema) -> JSONValue {
        switch schema.shape {
        case .object(let object) where !object.name.isEmpty:
            define(object)
            return Self.reference(object.name, version)
        case .object(let object): return .object(body(of: object))
        case .quantity: return shared("io.k8s.apimachinery.pkg.api.resource.Quantity", Self.quantity)
        case .intOrString:
            let form = version == .v3 ? Self.intOrString : Self.intOrString2
            return shared("io.k8s.apimachinery.pkg.util.intstr.IntOrString", form)
        case .timestamp: return shared(GroupVersion.meta.schemaName(of: "Time"), Self.time)
        case .microTime: return shared(GroupVersion.meta.schemaName(of: "MicroTime"), Self.time)
        case .array(let element): return ["type": "array", "items": wrapped(reference(to: element))]
        case .map(let element): return ["type": "object", "additionalProperties": wrapped(reference(to: element))]
        default: return .object(schema.shape.scalarForm)
        }
    }

    private mutating func define(_ object: ObjectSchema) {
        guard schemas[object.name] == nil else { return }
        // A type can contain itself: its name stands before its fields are visited.
        schemas[object.name] = JSONValue.object(JSONObject())
        schemas[object.name] = JSONValue.object(body(of: object))
    }

    private mutating func body(of object: ObjectSchema) -> JSONObject {
        var properties = JSONObject()
        for field in object.fields { properties[field.name] = property(field) }
        var body: JSONObject = ["type": "object"]
        if !properties.isEmpty { body["properties"] = .object(properties) }
        let required = object.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { body["required"] = .array(required) }
        if !object.summary.isEmpty { body["description"] = .string(object.summary) }
        if object.keepsUnknownFields { body["x-kubernetes-preserve-unknown-fields"] = true }
        return body
    }

    private mutating func property(_ field: FieldSchema) -> JSONValue {
        var form = wrapped(reference(to: field.schema)).object ?? JSONObject()
        if !field.summary.isEmpty { form["description"] = .string(field.summary) }
        if let value = field.defaultValue { form["default"] = value }
        field.extend(&form)
        return .object(form)
    }

    /// In version 3 a reference takes no neighbours: they stand around it.
    private func wrapped(_ form: JSONValue) -> JSONValue {
        guard version == .v3, form["$ref"] != nil else { return form }
        return ["allOf": [form]]
    }

    private mutating func shared(_ name: String, _ form: JSONValue) -> JSONValue {
        schemas[name] = form
        return Self.reference(name, version)
    }

    package static func reference(_ name: String, _ version: Version) -> JSONValue {
        ["$ref": .string((version == .v3 ? "#/components/schemas/" : "#/definitions/") + name)]
    }

    private static let quantity: JSONValue = [
        "type": "string", "description": "An amount with an optional suffix: 500m, 2, 128Mi.",
    ]
    private static let time: JSONValue = [
        "type": "string", "format": "date-time", "description": "A moment, as RFC 3339 writes it.",
    ]
    private static let intOrString: JSONValue = [
        "format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]],
        "description": "A number or a text.",
    ]
    private static let intOrString2: JSONValue = [
        "type": "string", "format": "int-or-string", "description": "A number or a text.",
    ]
}

extension Schema.Shape {
    /// Type and format of what has no parts.
    fileprivate var scalarForm: JSONObject {
        switch self {
        case .string: ["type": "string"]
        case .boolean: ["type": "boolean"]
        case .integer32: ["type": "integer", "format": "int32"]
        case .integer64: ["type": "integer", "format": "int64"]
        case .number: ["type": "number", "format": "double"]
        case .bytes: ["type": "string", "format": "byte"]
        case .any: ["x-kubernetes-preserve-unknown-fields": true]
        case .timestamp, .microTime, .intOrString, .quantity, .array, .map, .object: [:]
        }
    }
}

extension FieldSchema {
    /// What the rules say in OpenAPI and in Kubernetes' extensions to it.
    fileprivate func extend(_ form: inout JSONObject) {
        var strategies: [String] = []
        for rule in rules {
            switch rule {
            case .set: form["x-kubernetes-list-type"] = "set"
            case .listMap(let keys):
                form["x-kubernetes-list-type"] = "map"
                form["x-kubernetes-list-map-keys"] = .array(keys.map(JSONValue.string))
            case .atomic: form[isList ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = "atomic"
            case .mergeKey(let key):
                form["x-kubernetes-patch-merge-key"] = .string(key)
                strategies.append("merge")
            case .mergeItems: strategies.append("merge")
            case .retainKeys: strategies.append("retainKeys")
            case .oneOf(let values) where schema.shape.scalarForm["type"] == "string":
                form["enum"] = .array(values.map(JSONValue.string))
            case .minimum(let least) where schema.shape.scalarForm["type"] == "integer":
                form["minimum"] = .integer(least)
            case .maximum(let most) where schema.shape.scalarForm["type"] == "integer": form["maximum"] = .integer(most)
            default: break
            }
        }
        if !strategies.isEmpty { form["x-kubernetes-patch-strategy"] = .string(strategies.joined(separator: ",")) }
    }

    private var isList: Bool {
        if case .array = schema.shape { true } else { false }
    }
}

extension ObjectSchema {
    /// The schema of a list of a kind.
    package static func list(of kind: ResourceKind, _ schema: Schema) -> ObjectSchema {
        ObjectSchema(
            name: listName(of: kind, schema), summary: "A list of \(kind.kind) objects.",
            fields: [
                FieldSchema("apiVersion", "Group and version of the API.", .string),
                FieldSchema("kind", "Kind of the list.", .string),
                FieldSchema("metadata", "Version of the list and how to read on.", ListMeta.schema),
                FieldSchema("items", "The objects.", .array(of: schema), rules: [.required]),
            ])
    }

    static func listName(of kind: ResourceKind, _ schema: Schema) -> String {
        let name = schema.object?.name ?? ""
        return (name.isEmpty ? kind.kind : name) + "List"
    }
}
