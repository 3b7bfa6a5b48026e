import APIMachinery
import KubernetesAPI

/// Pods of a kind spread over the domains of a topology.
struct PodTopologySpread: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeLabels, .podPlaced, .podGone]
    let weight: Int64 = 2

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        guard !pod.spreadConstraints.isEmpty else { return nil }
        let counts = pod.spreadConstraints.map { SpreadCount($0, pod, cluster) }
        return Run(counts: counts)
    }

    private struct Run: PluginRun {
        let counts: [SpreadCount]
        let scale = ScoreScale.lowestIsBest

        func obstacles(on node: NodeInfo) -> [String] {
            for count in counts where count.isRequired {
                guard let value = node.labels[count.key] else {
                    return ["node(s) didn't match pod topology spread constraints (missing required label)"]
                }
                guard count.isWithinSkew(value) else {
                    return ["node(s) didn't match pod topology spread constraints"]
                }
            }
            return []
        }

        /// How many of its kind the node's domains hold already.
        func score(_ node: NodeInfo) -> Int64 {
            counts.reduce(0) { sum, count in
                guard !count.isRequired, let value = node.labels[count.key] else { return sum }
                return sum + (count.pods[value] ?? 0)
            }
        }
    }
}

/// The matching pods of each domain, for one constraint.
private struct SpreadCount: Sendable {
    let key: String
    let isRequired: Bool
    private(set) var pods: [String: Int64] = [:]
    private let maxSkew: Int64
    private let minDomains: Int
    private let own: Int64

    init(_ constraint: TopologySpreadConstraint, _ pod: PodInfo, _ cluster: ClusterCache) {
        key = constraint.topologyKey
        isRequired = constraint.whenUnsatisfiable == "DoNotSchedule"
        maxSkew = Int64(max(1, constraint.maxSkew))
        minDomains = Int(constraint.minDomains ?? 1)
        let selector = constraint.labelSelector.flatMap { try? LabelExpression($0) }
        let same = constraint.matchLabelKeys.compactMap { key in pod.labels[key].map { (key, $0) } }
        let matches = { (other: PodInfo) in
            !other.isEnding && other.namespace == pod.namespace && (selector?.matches(other.labels) ?? false)
                && same.allSatisfy { other.labels[$0.0] == $0.1 }
        }
        own = matches(pod) ? 1 : 0
        let affinity = constraint.nodeAffinityPolicy == "Ignore" ? nil : NodeAffinityPlugin().begin(pod, cluster)
        let taints = constraint.nodeTaintsPolicy == "Honor" ? TaintToleration().begin(pod, cluster) : nil
        for node in cluster.nodes where node.isKnown {
            guard let value = node.labels[key], affinity?.obstacles(on: node).isEmpty ?? true,
                taints?.obstacles(on: node).isEmpty ?? true
            else { continue }
            pods[value, default: 0] += Int64(node.pods.values.count(where: matches))
        }
    }

    func isWithinSkew(_ domain: String) -> Bool {
        let fewest = pods.count < minDomains ? 0 : pods.values.min() ?? 0
        return (pods[domain] ?? 0) + own - fewest <= maxSkew
    }
}
