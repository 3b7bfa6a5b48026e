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
            object.fields[nodeField] == node
                && Self.names(object.tree["spec"] ?? .null, name, isSecret: isSecret)
        }
    }

    private static func names(_ spec: JSONValue, _ name: String, isSecret: Bool) -> Bool {
        let kind = isSecret ? "secret" : "configMap"
        let isIt: (JSONValue?, String) -> Bool = { $0?[$1]?.string == name }
        let inVolumes = (spec["volumes"]?.array ?? []).contains { volume in
            isIt(volume[kind], isSecret ? "secretName" : "name")
                || (volume["projected"]?["sources"]?.array ?? []).contains { isIt($0[kind], "name") }
        }
        if inVolumes { return true }
        if isSecret, (spec["imagePullSecrets"]?.array ?? []).contains(where: { $0["name"]?.string == name }) {
            return true
        }
        let containers = ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.array ?? [] }
        return containers.contains { container in
            (container["envFrom"]?.array ?? []).contains { isIt($0[kind + "Ref"], "name") }
                || (container["env"]?.array ?? []).contains { isIt($0["valueFrom"]?[kind + "KeyRef"], "name") }
        }
    }
}
