import APIMachinery
import JSONTree
import KubernetesAPI

/// What every object's metadata must fulfil beyond the types of its fields.
enum MetadataRules {
    static let annotationBytes = 256 << 10

    static func check(_ object: JSONObject, old: JSONObject?, _ definition: KindDefinition) -> [FieldError] {
        let metadata = object["metadata"]?.object ?? JSONObject()
        var errors = name(metadata, definition, isNew: old == nil)
        errors += labels(metadata) + annotations(metadata)
        return errors + owners(metadata) + finalizers(metadata, old: old)
    }

    /// Of what the server set when it made the object, or began to delete it, a client may only repeat what is there.
    static func checkUpdate(_ object: JSONObject, old: JSONObject) -> [FieldError] {
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"].compactMap { field in
            guard let given = object[metadata: field], !given.isNull, given != old[metadata: field] else { return nil }
            let moment = given.string.flatMap { Timestamp($0) }
            if let moment, moment == old[metadata: field]?.string.flatMap({ Timestamp($0) }) { return nil }
            return .invalid("metadata.\(field)", given, "field is immutable")
        }
    }

    private static func name(_ metadata: JSONObject, _ definition: KindDefinition, isNew: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        if isNew, let base = metadata["generateName"]?.string, !base.isEmpty {
            // A name goes on after the dash that its base may end with.
            let begun = base.utf8.count > 1 && base.hasSuffix("-") ? base.dropLast(2) + "a" : base[...]
            if let problem = definition.nameFormat.mismatch(String(begun)) {
                errors.append(.invalid("metadata.generateName", .string(base), problem))
            }
        }
        let name = metadata["name"]?.string ?? ""
        guard !name.isEmpty else {
            return errors + [.required("metadata.name", "name or generateName is required")]
        }
        guard let problem = definition.nameFormat.mismatch(name) else { return errors }
        return errors + [.invalid("metadata.name", .string(name), problem)]
    }

    private static func labels(_ metadata: JSONObject) -> [FieldError] {
        var errors: [FieldError] = []
        for label in metadata["labels"]?.object?.members ?? [] {
            if let problem = Rule.Format.qualifiedName.mismatch(label.key) {
                errors.append(.invalid("metadata.labels", .string(label.key), problem))
            }
            if let text = label.value.string, let problem = Rule.Format.labelValue.mismatch(text) {
                errors.append(.invalid("metadata.labels", .string(text), problem))
            }
        }
        return errors
    }

    /// The case of a key's domain does not matter here.
    private static func annotations(_ metadata: JSONObject) -> [FieldError] {
        let members = metadata["annotations"]?.object?.members ?? []
        var errors: [FieldError] = members.compactMap { member in
            Rule.Format.qualifiedName.mismatch(member.key.lowercased()).map {
                .invalid("metadata.annotations", .string(member.key), $0)
            }
        }
        let size = members.reduce(0) { $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0) }
        if size > annotationBytes { errors.append(.tooLong("metadata.annotations", annotationBytes)) }
        return errors
    }

    /// What is absent, the schema tells.
    private static func owners(_ metadata: JSONObject) -> [FieldError] {
        let path = "metadata.ownerReferences"
        var errors: [FieldError] = []
        var controller: String?
        for (index, owner) in (metadata["ownerReferences"]?.array ?? []).enumerated() {
            for field in ["apiVersion", "kind", "name", "uid"] where owner[field]?.string == "" {
                let why = field == "apiVersion" ? "version must not be empty" : "must not be empty"
                errors.append(.invalid("\(path)[\(index)].\(field)", "", why))
            }
            if owner["apiVersion"] == "v1", owner["kind"] == "Event" {
                let why = "/v1, Kind=Event is disallowed from being an owner"
                errors.append(.invalid("\(path)[\(index)]", owner, why))
            }
            guard owner["controller"]?.bool == true else { continue }
            let name = "\(owner["kind"]?.string ?? "")/\(owner["name"]?.string ?? "")"
            if let controller {
                let why = "Only one reference can have Controller set to true. Found \"true\" in references for"
                errors.append(
                    .invalid(path, metadata["ownerReferences"] ?? .null, "\(why) \(controller) and \(name)"))
            } else {
                controller = name
            }
        }
        return errors
    }

    private static let plainFinalizers: Set = ["kubernetes", "orphan", "foregroundDeletion"]

    /// Finalizers can only be taken away from an object that is being deleted.
    private static func finalizers(_ metadata: JSONObject, old: JSONObject?) -> [FieldError] {
        let path = "metadata.finalizers"
        let names = (metadata["finalizers"]?.array ?? []).compactMap(\.string)
        var errors: [FieldError] = []
        for (index, name) in names.enumerated() {
            if let problem = Rule.Format.qualifiedName.mismatch(name) {
                errors.append(.invalid(path, .string(name), problem))
            } else if !name.contains("/"), !plainFinalizers.contains(name) {
                let why = "name is neither a standard finalizer name nor is it fully qualified"
                errors.append(.invalid("\(path)[\(index)]", .string(name), why))
            }
        }
        if names.contains("orphan"), names.contains("foregroundDeletion") {
            let why = "finalizer orphan and foregroundDeletion cannot be both set"
            errors.append(.invalid(path, names.json, why))
        }
        guard let old, old[metadata: "deletionTimestamp"] != nil else { return errors }
        let before = Set((old[metadata: "finalizers"]?.array ?? []).compactMap(\.string))
        let added = Set(names).subtracting(before).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        if !added.isEmpty {
            errors.append(
                .forbidden(
                    path,
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{\(added)}"
                ))
        }
        return errors
    }
}
