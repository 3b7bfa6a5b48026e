import APIMachinery
import JSONTree

extension TableDefinition {
    static let namespace = TableDefinition(
        Namespace.self, [.name, .init("Status", "Active or Terminating."), .age]
    ) { namespace, now in
        [
            .string(namespace.metadata.name),
            .string(namespace.status.phase ?? "Active"),
            .age(namespace.metadata.creationTimestamp, now),
        ]
    }

    static let lease = TableDefinition(
        Lease.self, [.name, .init("Holder", "Who holds the lease."), .age]
    ) { lease, now in
        [
            .string(lease.metadata.name),
            .string(lease.spec.holderIdentity ?? ""),
            .age(lease.metadata.creationTimestamp, now),
        ]
    }

    static let node = TableDefinition(
        Node.self,
        [
            .name,
            .init("Status", "Whether the node is ready and takes pods."),
            .init("Roles", "Roles from the node's labels."),
            .age,
            .init("Version", "Version of the node agent."),
            .init("Internal-IP", "Address inside the cluster.", priority: 1),
            .init("External-IP", "Address from outside.", priority: 1),
            .init("OS-Image", "Name of the distribution.", priority: 1),
            .init("Kernel-Version", "Version of the kernel.", priority: 1),
            .init("Container-Runtime", "Runtime and its version.", priority: 1),
        ]
    ) { node, now in
        let info = node.status.nodeInfo
        let addresses = node.status.addresses
        return [
            .string(node.metadata.name),
            .string(statusText(node)),
            .text(roles(node.metadata.labels).joined(separator: ",")),
            .age(node.metadata.creationTimestamp, now),
            .string(info.kubeletVersion),
            .text(addresses.first { $0.type == "InternalIP" }?.address),
            .text(addresses.first { $0.type == "ExternalIP" }?.address),
            unknownIfEmpty(info.osImage),
            unknownIfEmpty(info.kernelVersion),
            unknownIfEmpty(info.containerRuntimeVersion),
        ]
    }

    private static func unknownIfEmpty(_ text: String) -> JSONValue {
        .string(text.isEmpty ? "<unknown>" : text)
    }

    private static func statusText(_ node: Node) -> String {
        let ready = node.status.conditions.first { $0.type == "Ready" }
        let word = ready.map { $0.status == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return node.spec.unschedulable ? word + ",SchedulingDisabled" : word
    }

    /// Sorted and each once, from node-role.kubernetes.io/ROLE and kubernetes.io/role.
    private static func roles(_ labels: [String: String]) -> [String] {
        let prefix = "node-role.kubernetes.io/"
        let roles = labels.compactMap { key, value -> String? in
            if key.hasPrefix(prefix) { return String(key.dropFirst(prefix.count)) }
            return key == "kubernetes.io/role" ? value : nil
        }
        return Set(roles.filter { !$0.isEmpty }).sorted()
    }
}
