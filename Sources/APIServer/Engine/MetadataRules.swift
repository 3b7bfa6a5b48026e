import APIMachinery
import JSONTree
import KubernetesAPI

/// What every object's metadata must fulfil beyond the types of its fields.
enum MetadataRules {
    static let annotationBytes = 256 << 10

    static func check(_ object: JSONObject, old: JSONObject?, _ definition: KindDefinition) -> [FieldError] {
        let metadata = object["metadata"]?.object ?? JSONObject()
        var errors = name(metadata, definition)
        errors += keys(metadata, "labels") + keys(metadata, "annotations")
        for member in metadata["labels"]?.object?.members ?? [] {
            guard let text = member.value.string, let problem = Rule.Format.labelValue.mismatch(text) else { continue }
            errors.append(.invalid("metadata.labels", .string(text), problem))
        }
        let size = (metadata["annotations"]?.object?.members ?? []).reduce(0) {
            $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0)
        }
        if size > annotationBytes { errors.append(.tooLong("metadata.annotations", annotationBytes)) }
        return errors + owners(metadata) + finalizers(metadata, old: old)
    }

    private static func name(_ metadata: JSONObject, _ definition: KindDefinition) -> [FieldError] {
        let name = metadata["name"]?.string ?? ""
        guard !name.isEmpty else { return [.required("metadata.name", "name or generateName is required")] }
        guard let problem = definition.nameFormat.mismatch(name) else { return [] }
        return [.invalid("metadata.name", .string(name), problem)]
    }

    private static func keys(_ metadata: JSONObject, _ field: String) -> [FieldError] {
        (metadata[field]?.object?.members ?? []).compactMap { member in
            Rule.Format.qualifiedName.mismatch(member.key).map {
                .invalid("metadata.\(field)", .string(member.key), $0)
            }
        }
    }

    private static func owners(_ metadata: JSONObject) -> [FieldError] {
        var errors: [FieldError] = []
        var controllers = 0
        for (index, owner) in (metadata["ownerReferences"]?.array ?? []).enumerated() {
            for field in ["apiVersion", "kind", "name", "uid"] where owner[field]?.string ?? "" == "" {
                errors.append(.required("metadata.ownerReferences[\(index)].\(field)", "must not be empty"))
            }
            if owner["controller"]?.bool == true { controllers += 1 }
        }
        if controllers > 1 {
            errors.append(
                FieldError(.invalid, "metadata.ownerReferences", "only one reference can have controller set to true"))
        }
        return errors
    }

    /// Finalizers can only be taken away from an object that is being deleted.
    private static func finalizers(_ metadata: JSONObject, old: JSONObject?) -> [FieldError] {
        let names = (metadata["finalizers"]?.array ?? []).compactMap(\.string)
        var errors: [FieldError] = names.compactMap { name in
            Rule.Format.qualifiedName.mismatch(name).map { .invalid("metadata.finalizers", .string(name), $0) }
        }
        guard let old, old[metadata: "deletionTimestamp"] != nil else { return errors }
        let before = Set((old[metadata: "finalizers"]?.array ?? []).compactMap(\.string))
        let added = names.filter { !before.contains($0) }
        if !added.isEmpty {
            errors.append(
                .forbidden(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers \(added)"))
        }
        return errors
    }
}
