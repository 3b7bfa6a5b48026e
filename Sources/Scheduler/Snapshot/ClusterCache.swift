import KubernetesAPI

/// The nodes with their pods, those on their way included. Pure; grows with the cluster and no further.
package struct ClusterCache: Sendable {
    package private(set) var nodes: [NodeInfo] = []
    private var index: [String: Int] = [:]
    private var nodeOfPod: [String: String] = [:]
    /// Pods on any node that must not have certain others near them.
    package private(set) var shunningPods = 0

    package init() {}

    package subscript(_ name: String) -> NodeInfo? {
        index[name].map { nodes[$0] }
    }

    /// Nodes that are known, not merely named by pods.
    package var knownNodes: Int { nodes.count { $0.isKnown } }

    mutating func update(_ node: Node) -> ClusterChange {
        nodes[position(node.metadata.name)].update(node)
    }

    mutating func remove(node name: String) {
        guard let position = index[name] else { return }
        nodes[position].forgetNode()
        dropIfUnused(position)
    }

    /// Puts the pod on its node; one that is there already, or elsewhere, is replaced.
    mutating func add(_ pod: PodInfo, to node: String) {
        _ = remove(pod: pod.uid)
        nodes[position(node)].add(pod)
        nodeOfPod[pod.uid] = node
        if !pod.requiredAntiAffinity.isEmpty { shunningPods += 1 }
    }

    @discardableResult
    mutating func remove(pod uid: String) -> PodInfo? {
        guard let node = nodeOfPod.removeValue(forKey: uid), let position = index[node] else { return nil }
        let pod = nodes[position].remove(uid)
        if let pod, !pod.requiredAntiAffinity.isEmpty { shunningPods -= 1 }
        dropIfUnused(position)
        return pod
    }

    func contains(pod uid: String) -> Bool {
        nodeOfPod[uid] != nil
    }

    private mutating func position(_ name: String) -> Int {
        if let position = index[name] { return position }
        nodes.append(NodeInfo(name: name))
        index[name] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func dropIfUnused(_ position: Int) {
        guard !nodes[position].isKnown, nodes[position].pods.isEmpty else { return }
        index[nodes[position].name] = nil
        nodes.swapAt(position, nodes.count - 1)
        nodes.removeLast()
        if position < nodes.count { index[nodes[position].name] = position }
    }
}
