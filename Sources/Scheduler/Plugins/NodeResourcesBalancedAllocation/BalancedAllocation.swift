/// Prefers nodes where processor and memory would be used to the same share, so that neither is left over alone.
struct BalancedAllocation: SchedulingPlugin {
    let helpedBy: ClusterChange = []
    let weight: Int64 = 1

    private struct Run: PluginRun {
        let requests: ResourceAmounts

        func score(_ node: NodeInfo) -> Int64 {
            let cpu = share(node.requested.milliCPU.plus(requests.milliCPU), of: node.allocatable.milliCPU)
            let memory = share(node.requested.memory.plus(requests.memory), of: node.allocatable.memory)
            // The standard deviation of two values is half their distance.
            return Int64((1 - abs(cpu - memory) / 2) * 100)
        }

        private func share(_ used: Int64, of allocatable: Int64) -> Double {
            allocatable > 0 ? min(1, Double(used) / Double(allocatable)) : 1
        }
    }

    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)? {
        // A pod that asks for nothing changes no balance.
        guard pod.requests.milliCPU > 0 || pod.requests.memory > 0 else { return nil }
        return Run(requests: pod.requests)
    }
}
