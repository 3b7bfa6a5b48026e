import KubernetesAPI

/// Keeps pods off cordoned nodes, unless they tolerate that.
struct NodeUnschedulable: SchedulingPlugin, PluginRun {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeTaints]
    private var isTolerated = false

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        var run = self
        let taint = Taint {
            $0.key = "node.kubernetes.io/unschedulable"
            $0.effect = "NoSchedule"
        }
        run.isTolerated = pod.tolerations.contains { $0.tolerates(taint) }
        return run
    }

    func obstacles(on node: NodeInfo) -> [String] {
        node.isUnschedulable && !isTolerated ? ["node(s) were unschedulable"] : []
    }
}
