import APIMachinery
import JSONTree
import KubernetesAPI

/// A node's agent writes its own node, its own lease, and pods that are bound to it; nothing of other nodes.
struct NodeRestriction: AdmissionRule {
    func validate(_ object: JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard let node = request.identity.nodeName else { return }
        switch (request.resource.kind.group, request.resource.kind.plural) {
        case ("", "pods"): try checkPod(object, old, request, node)
        case ("", "nodes"): try checkNode(object, old, request, node)
        case ("coordination.k8s.io", "leases"):
            guard request.namespace == "kube-node-lease", request.name == node else {
                throw refusal(request, "node \"\(node)\" may only write its own lease, in kube-node-lease")
            }
        default: return
        }
    }

    private func checkPod(
        _ object: JSONObject, _ old: JSONObject?, _ request: AdmissionRequest, _ node: String
    ) throws(Status) {
        switch request.operation {
        case .create:
            guard object[metadata: "annotations"]?["kubernetes.io/config.mirror"] != nil else {
                throw refusal(request, "node \"\(node)\" can only create mirror pods")
            }
            guard object["spec"]?["nodeName"]?.string == node else {
                throw refusal(request, "node \"\(node)\" can only create pods with spec.nodeName set to itself")
            }
            // Naming it would let the node read it.
            if let named = Self.references(object["spec"] ?? .null) {
                throw refusal(request, "node \"\(node)\" can not create pods that reference \(named)")
            }
        case .update, .delete:
            guard old?["spec"]?["nodeName"]?.string == node else {
                throw refusal(request, "node \"\(node)\" can only change pods with spec.nodeName set to itself")
            }
        }
    }

    /// The first kind of object that a pod's spec names and that a static pod may not.
    private static func references(_ spec: JSONValue) -> String? {
        if !(spec["serviceAccountName"]?.string ?? "").isEmpty { return "a service account" }
        if spec["imagePullSecrets"]?.array?.isEmpty == false { return "secrets" }
        let volumes = (spec["volumes"]?.array ?? []).flatMap { [$0] + ($0["projected"]?["sources"]?.array ?? []) }
        let containers = ["initContainers", "containers"].flatMap { spec[$0]?.array ?? [] }
        let variables = containers.flatMap { $0["env"]?.array ?? [] }.compactMap { $0["valueFrom"] }
        let sets = containers.flatMap { $0["envFrom"]?.array ?? [] }
        for (kind, name) in [("secret", "secrets"), ("configMap", "configmaps")] {
            if volumes.contains(where: { $0[kind] != nil }) || sets.contains(where: { $0[kind + "Ref"] != nil })
                || variables.contains(where: { $0[kind + "KeyRef"] != nil })
            {
                return name
            }
        }
        if volumes.contains(where: { $0["serviceAccountToken"] != nil }) { return "a service account's token" }
        return volumes.contains { $0["persistentVolumeClaim"] != nil } ? "persistentvolumeclaims" : nil
    }

    private func checkNode(
        _ object: JSONObject, _ old: JSONObject?, _ request: AdmissionRequest, _ node: String
    ) throws(Status) {
        guard request.name == node else {
            throw refusal(request, "node \"\(node)\" is not allowed to modify node \"\(request.name)\"")
        }
        guard request.operation != .delete else { throw refusal(request, "a node may not delete itself") }
        guard request.operation == .update, request.subresource == nil else { return }
        guard object["spec"]?["taints"] == old?["spec"]?["taints"] else {
            throw refusal(request, "node \"\(node)\" is not allowed to modify taints")
        }
    }

    private func refusal(_ request: AdmissionRequest, _ why: String) -> Status {
        .forbidden(request.resource.name, request.name, why)
    }
}
