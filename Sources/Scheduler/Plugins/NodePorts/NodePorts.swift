import KubernetesAPI

/// Two pods cannot take the same port of a node.
struct NodePorts: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .podGone]

    private struct Run: PluginRun {
        let ports: [PodSpec.HostPort]

        func obstacles(on node: NodeInfo) -> [String] {
            let isTaken = node.hostPorts.contains { taken in ports.contains { $0.collides(with: taken) } }
            return isTaken ? ["node(s) didn't have free ports for the requested pod ports"] : []
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        pod.hostPorts.isEmpty ? nil : Run(ports: pod.hostPorts)
    }
}
