/// A node must have what the pod asks for; the one with the most left is preferred.
struct NodeResourcesFit: SchedulingPlugin {
    let helpedBy: ClusterChange = [.nodeAdded, .nodeResources, .podGone]
    let weight: Int64 = 1

    private struct Run: PluginRun {
        let requests: ResourceAmounts
        let weight: ResourceAmounts

        func obstacles(on node: NodeInfo) -> [String] {
            var obstacles: [String] = []
            if Int64(node.pods.count) >= node.podLimit { obstacles.append("Too many pods") }
            lacks(requests.milliCPU, node.allocatable.milliCPU, node.requested.milliCPU, "cpu", &obstacles)
            lacks(requests.memory, node.allocatable.memory, node.requested.memory, "memory", &obstacles)
            lacks(
                requests.ephemeralStorage, node.allocatable.ephemeralStorage, node.requested.ephemeralStorage,
                "ephemeral-storage", &obstacles)
            guard !requests.others.isEmpty else { return obstacles }
            for (name, amount) in requests.others.sorted(by: { $0.key < $1.key }) {
                lacks(amount, node.allocatable.others[name] ?? 0, node.requested.others[name] ?? 0, name, &obstacles)
            }
            return obstacles
        }

        private func lacks(
            _ wanted: Int64, _ allocatable: Int64, _ used: Int64, _ name: String, _ obstacles: inout [String]
        ) {
            guard wanted > 0, wanted > allocatable.minus(used) else { return }
            obstacles.append("Insufficient \(name)")
        }

        /// The mean share of processor and memory that would be left.
        func score(_ node: NodeInfo) -> Int64 {
            let cpu = left(node.weight.milliCPU.plus(weight.milliCPU), of: node.allocatable.milliCPU)
            let memory = left(node.weight.memory.plus(weight.memory), of: node.allocatable.memory)
            return (cpu + memory) / 2
        }

        private func left(_ used: Int64, of allocatable: Int64) -> Int64 {
            guard allocatable > 0, used <= allocatable else { return 0 }
            return Int64(Double(allocatable - used) * 100 / Double(allocatable))
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        Run(requests: pod.requests, weight: pod.weight)
    }
}
