import JSONTree

extension APIObject {
    /// Takes an object in, from a file or from another process: it must be of this kind and keep the schema. Throws `Status` (bad request
    /// for another kind or wrong types, invalid for broken rules) that names every field at fault.
    package init(checking value: JSONValue) throws(Status) {
        let kind = Self.kind
        guard case .object(let object) = value else {
            throw .badRequest("a \(kind.kind) must be a JSON object")
        }
        for (field, expected) in [("apiVersion", kind.apiVersion), ("kind", kind.kind)] {
            guard let found = object[field], !found.isNull, found != .string(expected) else { continue }
            throw .badRequest("\(field) is \(FieldError.shown(found)), expected \"\(expected)\"")
        }
        try kind.check(object, Self.schema)
        self.init(storage: object)
    }
}

extension ResourceKind {
    /// Throws where an object of this kind does not keep `schema`.
    package func check(_ object: JSONObject, _ schema: Schema) throws(Status) {
        let errors = schema.check(.object(object))
        guard !errors.isEmpty else { return }
        let wrongTypes = errors.filter { $0.kind == .typeInvalid }
        if !wrongTypes.isEmpty {
            let list = wrongTypes.map(\.description).joined(separator: ", ")
            throw .badRequest("\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(list)")
        }
        throw .invalid(group: group, kind: kind, name: object["metadata"]?["name"]?.string ?? "", errors)
    }
}
