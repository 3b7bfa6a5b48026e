import APIMachinery
import JSONTree
import KubernetesAPI

/// A node's agent writes its own node, its own lease, and pods that are bound to it; nothing of other nodes, and nothing by which it would come to read or
/// attract more than was given to it.
struct NodeRestriction: AdmissionRule {
    let nodes: Resource?

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
            // What a pod of the node names, the node may read.
            guard PodReferences(object["spec"] ?? .null).isEmpty else {
                throw refusal(request, "node \"\(node)\" can not create pods that reference other objects")
            }
            guard Self.owners(object).allSatisfy({ isNode($0, node) }) else {
                throw refusal(
                    request, "node \"\(node)\" can only create pods with itself as owner, whose deletion waits for none"
                )
            }
        case .update, .delete:
            guard old?["spec"]?["nodeName"]?.string == node else {
                throw refusal(request, "node \"\(node)\" can only change pods with spec.nodeName set to itself")
            }
            guard request.operation == .delete || object[metadata: "labels"] == old?[metadata: "labels"] else {
                throw refusal(request, "node \"\(node)\" cannot change the labels of pods")
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
        let changed = Self.changedLabels(object, old).filter { !Self.mayLabel($0) }.sorted()
        guard changed.isEmpty else {
            throw refusal(
                request, "node \"\(node)\" is not allowed to modify labels: \(changed.joined(separator: ", "))")
        }
        for field in ["podCIDR", "podCIDRs"] where Self.text(object, field) != Self.text(old ?? JSONObject(), field) {
            throw refusal(request, "node \"\(node)\" is not allowed to choose its \(field)")
        }
        // The garbage collector would delete it for an owner that is gone, and the node make itself anew with other labels and taints.
        guard Self.owners(object) == Self.owners(old ?? JSONObject()) else {
            throw refusal(request, "node \"\(node)\" is not allowed to modify ownerReferences")
        }
        guard request.operation == .update, request.subresource == nil else { return }
        guard object["spec"]?["taints"] == old?["spec"]?["taints"] else {
            throw refusal(request, "node \"\(node)\" is not allowed to modify taints")
        }
    }

    private static func owners(_ object: JSONObject) -> [JSONValue] { object[metadata: "ownerReferences"]?.array ?? [] }

    /// Whether an owner is the node itself: by its uid, by which controllers and the garbage collector know owners.
    private func isNode(_ owner: JSONValue, _ node: String) -> Bool {
        guard let nodes, let found = nodes.cache[nodes.key(namespace: nil, name: node)] else { return false }
        return owner["apiVersion"] == "v1" && owner["kind"] == "Node" && owner["name"]?.string == node
            && owner["uid"] == found.tree[metadata: "uid"] && owner["blockOwnerDeletion"]?.bool != true
    }

    private static func changedLabels(_ object: JSONObject, _ old: JSONObject?) -> [String] {
        let new = object[metadata: "labels"]?.object ?? JSONObject()
        let before = old?[metadata: "labels"]?.object ?? JSONObject()
        return Set(new.keys).union(before.keys).filter { new[$0] != before[$0] }
    }

    private static let ownLabels: Set = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    ]

    /// Kubernetes' own domains steer pods: there a node sets what describes it, and the two prefixes that are for nodes. All other labels are free.
    private static func mayLabel(_ key: String) -> Bool {
        guard let slash = key.firstIndex(of: "/"), !ownLabels.contains(key) else { return true }
        let domain = key[..<slash]
        func isWithin(_ parent: String) -> Bool { domain == parent || domain.hasSuffix("." + parent) }
        if isWithin("node-restriction.kubernetes.io") { return false }
        if isWithin("kubelet.kubernetes.io") || isWithin("node.kubernetes.io") { return true }
        return !isWithin("kubernetes.io") && !isWithin("k8s.io")
    }

    /// Nil where the field is absent or empty.
    private static func text(_ node: JSONObject, _ field: String) -> JSONValue? {
        guard let value = node["spec"]?[field], value.array?.isEmpty != true, value.string != "", !value.isNull else {
            return nil
        }
        return value
    }

    private func refusal(_ request: AdmissionRequest, _ why: String) -> Status {
        .forbidden(request.resource.name, request.shownName, why)
    }
}
