/// A pod that names its node goes there or nowhere.
struct NodeName: SchedulingPlugin {
    let helpedBy: ClusterChange = .nodeAdded

    private struct Run: PluginRun {
        let wanted: String

        func obstacles(on node: NodeInfo) -> [String] {
            node.name == wanted ? [] : ["node(s) didn't match the requested node name"]
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        pod.nodeName.isEmpty ? nil : Run(wanted: pod.nodeName)
    }
}
