import APIMachinery
import JSONTree

/// Who owned what in an object that `kubectl apply` has written so far, without server-side apply: the manifest that kubectl left in its annotation
/// says which fields were its own. kubectl looks for this owner when it goes over to server-side apply.
enum ClientSideOwnership {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    static let manager = "kubectl-client-side-apply"

    /// The object with its managed fields filled in, where it has none and bears the annotation; else as it is.
    static func restored(_ object: JSONObject, _ resource: Resource, now: Timestamp) -> JSONObject {
        guard object[metadata: "managedFields"] == nil,
            let text = object[metadata: "annotations"]?[annotation]?.string,
            case .object(let manifest)? = try? JSONValue(parsing: text)
        else { return object }
        var applied = manifest
        guard (try? resource.normalize(&applied, .ignore)) != nil else { return object }
        resource.applyDefaults(&applied)
        resource.definition.complete(&applied)
        applied["metadata", "annotations"] = annotations(applied, text)
        let owner = ManagedFields.Manager(manager, .update, apiVersion: resource.kind.apiVersion)
        let tracked = ServerSideApply(resource.definition.schema, owner, now: now).track(applied, from: nil)
        var restored = object
        restored[metadata: "managedFields"] = tracked[metadata: "managedFields"]
        return restored
    }

    /// The annotation itself is the owner's as well.
    private static func annotations(_ applied: JSONObject, _ text: String) -> JSONValue {
        var annotations = applied[metadata: "annotations"]?.object ?? JSONObject()
        annotations[annotation] = .string(text)
        return .object(annotations)
    }
}
