import APIMachinery
import JSONTree
import KubernetesAPI

extension Resource {
    /// An object as a client sent it, made ready for admission: of the right kind, pruned, every field of the right type, defaults filled in.
    struct Decoded: Sendable {
        var object: JSONObject
        /// What the client should be told in Warning headers.
        var warnings: [String]
    }

    /// - Parameter form: the one that the body is in; the result is in the stored one.
    func decode(
        _ body: RequestBody, _ validation: FieldValidation, in form: ServedForm? = nil
    ) throws(Status) -> Decoded {
        var object = body.storage
        let kind = form?.kind ?? kind
        try kind.requireKind(of: object)
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        let warnings = try normalize(&object, found: body.findings, validation, in: form)
        applyDefaults(&object)
        return Decoded(object: object, warnings: warnings)
    }

    func applyDefaults(_ object: inout JSONObject) {
        definition.schema.applyDefaults(&object)
    }

    /// What the result of a patch is checked for: it came by another way than `decode`.
    func normalize(
        _ object: inout JSONObject, found: [String] = [], _ validation: FieldValidation,
        in form: ServedForm? = nil
    ) throws(Status) -> [String] {
        let definition = form?.definition ?? definition
        try definition.kind.requireKind(of: object)
        let warnings = try validation.check(object, found: found, definition.kind, definition.schema)
        definition.schema.prune(&object)
        try definition.schema.requireTypes(of: object, definition.kind.kind, version: definition.kind.version)
        if let form { object = form.stored(object) }
        return warnings
    }

    /// All rules: of metadata, of single fields, between fields, and on what may change. Through a subresource more may change.
    func validate(_ object: JSONObject, old: JSONObject?, subresource: String? = nil) throws(Status) {
        var errors = MetadataRules.check(object, old: old, definition)
        errors += definition.schema.check(.object(object))
        if subresource == nil {
            if let old { errors += definition.schema.checkUpdate(from: .object(old), to: .object(object)) }
            errors += definition.validate(object, old)
        }
        if subresource == "status", let old { errors += definition.validateStatus(object, old) }
        if errors.isEmpty, subresource == "ephemeralcontainers", let old {
            errors += Pod.ephemeralContainerFaults(from: Pod(storage: old), to: Pod(storage: object))
        }
        guard errors.isEmpty else {
            throw .invalid(group: kind.group, kind: kind.kind, name: object.name, errors.distinct)
        }
    }
}

extension ResourceKind {
    /// Where an object says of which kind it is, it must be of this one.
    func requireKind(of object: JSONObject) throws(Status) {
        if let version = object["apiVersion"]?.string, !version.isEmpty, version != apiVersion {
            throw .badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(apiVersion))")
        }
        if let given = object["kind"]?.string, !given.isEmpty, given != kind {
            throw .badRequest("the kind in the data (\(given)) does not match the expected kind (\(kind))")
        }
    }
}

extension [FieldError] {
    /// The schema and the checks between fields can find the same: each fault once, and a missing field once however it is explained.
    fileprivate var distinct: [FieldError] {
        var seen: Set<FieldError> = []
        return filter { error in
            seen.insert(error.kind == .required ? .required(error.path) : error).inserted
        }
    }
}

extension Schema {
    /// A value of the wrong type is no object of this kind at all: 400, where a broken rule is 422.
    func requireTypes(of object: JSONObject, _ kind: String, version: String = "v1") throws(Status) {
        let errors = check(.object(object)).filter { $0.kind == .typeInvalid }
        guard errors.isEmpty else {
            throw .cannotHandle(kind, version: version, errors.map(\.description).joined(separator: ", "))
        }
    }
}
