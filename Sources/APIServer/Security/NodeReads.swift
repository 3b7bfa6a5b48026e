import APIMachinery
import JSONTree
import KubernetesAPI

/// Which objects a node's agent may read, of the kinds that `NodeRules` let it read: its own pods, the secrets and ConfigMaps that these name, and its
/// own lease. As upstream's node authorizer has it with AuthorizeNodeWithSelectors. Nor does it learn by writes which other pods there are: all but its
/// own are missing to it, whatever else is wrong with the write. Only that a name is taken it learns, by making a mirror pod of that name.
struct NodeReads: Sendable {
    private let pods: Resource?
    /// Where `spec.nodeName` is among the pods' selectable fields.
    private let nodeField: Int?

    init(_ resources: ResourceTable) {
        pods = resources[Pod.kind]
        nodeField = pods?.format.selectableFields.firstIndex { $0.text == "spec.nodeName" }
    }

    /// Why the node may not read; nil where it may.
    func refusal(_ node: String, _ verb: Verb, _ path: ResourcePath, _ fields: FieldSelector?) -> String? {
        switch (path.group, path.resource) {
        case ("", "pods"):
            if verb != .get, fields?.requires("spec.nodeName", node) == true { return nil }
            guard let name = path.name else { return "a node can only list and watch pods with spec.nodeName=\(node)" }
            return self.node(of: name, path.namespace) == node ? nil : "no such pod is on node \"\(node)\""
        case ("", "secrets"), ("", "configmaps"):
            let isSecret = path.resource == "secrets"
            guard let name = path.name else { return "a node can only read one at a time" }
            // Every pod's view of the API needs it.
            if !isSecret, name == NamespaceSeeds.authorityName { return nil }
            return isNamed(name, isSecret: isSecret, namespace: path.namespace, node: node)
                ? nil : "no pod of node \"\(node)\" names it"
        case ("coordination.k8s.io", "leases"):
            return path.namespace == "kube-node-lease" && path.name == node ? nil : "a node can only read its own lease"
        default: return nil
        }
    }

    /// The name of the pod that the node would write to, where there is none of that name or it is on another node or on none yet.
    func missingPod(_ node: String, _ verb: Verb, _ path: ResourcePath) -> String? {
        guard path.group.isEmpty, path.resource == "pods", let name = path.name else { return nil }
        // One that it makes is not there yet.
        if verb == .create, path.subresource == nil { return nil }
        return self.node(of: name, path.namespace) == node ? nil : name
    }

    /// Of a pod; empty where it is on none, nil where there is no such pod.
    private func node(of name: String, _ namespace: String?) -> String? {
        guard let pods, let nodeField, let namespace else { return nil }
        return pods.cache[pods.key(namespace: namespace, name: name)]?.fields[nodeField]
    }

    /// Looks through the node's pods of the namespace; the cost is theirs alone.
    private func isNamed(_ name: String, isSecret: Bool, namespace: String?, node: String) -> Bool {
        guard let pods, let nodeField else { return false }
        let (objects, _) = pods.cache.snapshot(namespace: namespace, applied: 0)
        return objects.contains { object in
            guard object.fields[nodeField] == node else { return false }
            let references = PodReferences(object.tree["spec"] ?? .null)
            return (isSecret ? references.secrets : references.configMaps).contains(name)
        }
    }
}
