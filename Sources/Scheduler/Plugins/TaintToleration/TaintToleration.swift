import KubernetesAPI

/// Keeps pods off nodes with taints that they do not tolerate, and away from those with PreferNoSchedule ones.
struct TaintToleration: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeTaints]
    let weight: Int64 = 3

    private struct Run: PluginRun {
        let tolerations: [Toleration]
        let scale = ScoreScale.lowestIsBest

        func obstacles(on node: NodeInfo) -> [String] {
            guard !node.taints.isEmpty else { return [] }
            let taint = node.taints.first { taint in
                taint.effect != "PreferNoSchedule" && !tolerations.contains { $0.tolerates(taint) }
            }
            return taint.map { ["node(s) had untolerated taint {\($0.key): \($0.value ?? "")}"] } ?? []
        }

        func score(_ node: NodeInfo) -> Int64 {
            guard !node.taints.isEmpty else { return 0 }
            return Int64(
                node.taints.count { taint in
                    taint.effect == "PreferNoSchedule" && !tolerations.contains { $0.tolerates(taint) }
                })
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        Run(tolerations: pod.tolerations)
    }
}
