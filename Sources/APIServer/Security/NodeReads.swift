import APIMachinery
import JSONTree
import KubernetesAPI

/// Which secrets and ConfigMaps a node's agent may read: those that pods of its node name.
struct NodeReads: Sendable {
    private let pods: Resource?
    /// Where `spec.nodeName` is among the pods' selectable fields.
    private let nodeField: Int?

    init(_ resources: ResourceTable) {
        pods = resources[Pod.kind]
        nodeField = pods?.format.selectableFields.firstIndex { $0.text == "spec.nodeName" }
    }

    func check(_ identity: Identity, _ request: RequestAttributes) throws(Status) {
        guard let node = identity.nodeName, case .resource(let path) = request.subject, request.verb.isRead,
            path.group.isEmpty, path.resource == "secrets" || path.resource == "configmaps",
            path.name != NamespaceSeeds.authorityName
        else { return }
        let isSecret = path.resource == "secrets"
        guard let name = path.name, isNamed(name, isSecret: isSecret, namespace: path.namespace, node: node) else {
            throw .forbidden(
                ResourceName(path.resource), path.name ?? "",
                "no pod of node \"\(node)\" names it, so the node may not read it")
        }
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
