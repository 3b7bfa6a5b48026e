import APIMachinery
import JSONTree

/// Nothing is created in a namespace that is missing or ending, and the namespaces that every cluster needs stay.
struct NamespaceLifecycle: AdmissionRule {
    let namespaces: ResourceCache

    static let permanent = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// Before any other rule: one that misses something in a namespace that is not there would name the wrong fault.
    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        if request.operation == .create { try checkNamespace(request) }
    }

    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .delete, request.concerns("", "namespaces"),
            Self.permanent.prefix(3).contains(request.name)
        else { return }
        throw .forbidden(request.resource.name, request.name, "this namespace may not be deleted")
    }

    private func checkNamespace(_ request: AdmissionRequest) throws(Status) {
        guard request.resource.kind.isNamespaced, let name = request.namespace else { return }
        guard let namespace = namespaces[name] else { throw .notFound(ResourceName("namespaces"), name) }
        let tree = namespace.tree
        guard tree["status"]?["phase"]?.string == "Terminating" || tree[metadata: "deletionTimestamp"] != nil else {
            return
        }
        var status = Status.forbidden(
            request.resource.name, request.shownName,
            "unable to create new content in namespace \(name) because it is being terminated")
        status.details?.causes = [
            StatusCause {
                $0.reason = "NamespaceTerminating"
                $0.message = "namespace \(name) is being terminated"
                $0.field = "metadata.namespace"
            }
        ]
        throw status
    }
}
