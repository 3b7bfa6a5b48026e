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
        case .update, .delete:
            guard old?["spec"]?["nodeName"]?.string == node else {
                throw refusal(request, "node \"\(node)\" can only change pods with spec.nodeName set to itself")
            }
        }
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
