import KubernetesAPI

/// Node selector and node affinity: labels that a node must have, or should.
struct NodeAffinityPlugin: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeLabels]
    let weight: Int64 = 2

    private struct Run: PluginRun {
        let labels: [String: String]
        /// nil: nothing is required.
        let required: [NodeSelectorMatcher]?
        let preferred: [(weight: Int64, term: NodeSelectorMatcher)]
        let scale = ScoreScale.highestIsBest

        func obstacles(on node: NodeInfo) -> [String] {
            let fits =
                labels.allSatisfy { node.labels[$0.key] == $0.value }
                && required.map { terms in terms.contains { $0.matches(node.labels, name: node.name) } } ?? true
            return fits ? [] : ["node(s) didn't match Pod's node affinity/selector"]
        }

        func score(_ node: NodeInfo) -> Int64 {
            preferred.reduce(0) { $1.term.matches(node.labels, name: node.name) ? $0 + $1.weight : $0 }
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        let affinity = pod.affinity?.nodeAffinity
        guard !pod.nodeSelector.isEmpty || affinity != nil else { return nil }
        return Run(
            labels: pod.nodeSelector,
            required: affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
                .map(NodeSelectorMatcher.init),
            preferred: (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map {
                (Int64($0.weight), NodeSelectorMatcher($0.preference))
            })
    }
}
