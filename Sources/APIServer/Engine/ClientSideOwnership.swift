import APIMachinery
import JSONTree

/// Who owned what in an object that `kubectl apply` has written so far, without server-side apply: the manifest that kubectl left in its annotation
/// says which fields were its own. kubectl looks for this owner when it goes over to server-side apply.
enum ClientSideOwnership {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    static let manager = "kubectl-client-side-apply"

    /// The manager of kubectl's server-side apply, unless its user names another.
    private static let successor = "kubectl"
    /// Bytes of a manifest that is kept; all annotations of an object may have twice that.
    private static let limit = 128 << 10

    /// The object with its managed fields filled in, where it has none and bears the annotation; else as it is.
    static func restored(_ object: JSONObject, _ resource: Resource, now: Timestamp) -> JSONObject {
        guard object[metadata: "managedFields"] == nil, let applied = manifest(of: object, resource) else {
            return object
        }
        let owner = ManagedFields.Manager(manager, .update, apiVersion: resource.kind.apiVersion)
        let tracked = ServerSideApply(resource.definition.schema, owner, now: now).track(applied, from: nil)
        var restored = object
        restored[metadata: "managedFields"] = tracked[metadata: "managedFields"]
        return restored
    }

    /// What kubectl may change by its first server-side apply although its client-side apply owns it: all that the manifest says and nobody has changed since. Any
    /// other manager has to force it.
    static func ceded(by object: JSONObject, _ resource: Resource, to applier: ServerSideApply) -> FieldTree {
        guard applier.manager.name == successor, let applied = manifest(of: object, resource) else { return .empty }
        return applier.fields(of: applied, stillIn: object)
    }

    /// Keeps an annotation that is there true after kubectl's server-side apply: whoever goes back starts from it.
    static func renew(_ object: inout JSONObject, _ config: JSONObject, _ applier: ServerSideApply) {
        guard applier.manager.name == successor, var annotations = object[metadata: "annotations"]?.object,
            annotations[annotation]?.string?.isEmpty == false
        else { return }
        var manifest = config
        if var own = config[metadata: "annotations"]?.object {
            own[annotation] = nil
            manifest[metadata: "annotations"] = .object(own)
        }
        let text = JSONValue.object(manifest).text + "\n"
        annotations[annotation] = text.utf8.count <= limit ? .string(text) : nil
        object[metadata: "annotations"] = .object(annotations)
    }

    /// The manifest that the annotation has, as it was stored then; nil where there is none, or none that this kind can be.
    private static func manifest(of object: JSONObject, _ resource: Resource) -> JSONObject? {
        guard let text = object[metadata: "annotations"]?[annotation]?.string,
            case .object(var applied)? = try? JSONValue(parsing: text),
            (try? resource.normalize(&applied, .ignore)) != nil
        else { return nil }
        resource.applyDefaults(&applied)
        resource.definition.complete(&applied)
        applied[metadata: "annotations"] = annotations(applied, text)
        return applied
    }

    /// The annotation itself is the owner's as well.
    private static func annotations(_ applied: JSONObject, _ text: String) -> JSONValue {
        var annotations = applied[metadata: "annotations"]?.object ?? JSONObject()
        annotations[annotation] = .string(text)
        return .object(annotations)
    }
}
