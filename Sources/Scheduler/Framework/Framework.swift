/// The rules of placement in the order in which they are asked.
package struct Framework: Sendable {
    package let plugins: [any SchedulingPlugin]

    package init(plugins: [any SchedulingPlugin]) {
        self.plugins = plugins
    }

    /// Those of Kubernetes with its weights, as far as they are here.
    package static let standard = Framework(plugins: [
        NodeUnschedulable(), NodeName(), TaintToleration(), NodeAffinityPlugin(), NodePorts(), NodeResourcesFit(),
        PodTopologySpread(), InterPodAffinity(), BalancedAllocation(),
    ])

    /// Looks for a node. `start` is where the search begins, so that load spreads over equal nodes.
    package func place(_ pod: PodInfo, in cluster: ClusterCache, startingAt start: Int) -> Placement {
        let nodes = cluster.nodes
        guard cluster.knownNodes > 0 else { return .nowhere(Unplaceable(nodes: 0)) }
        let runs = plugins.enumerated().compactMap { index, plugin in
            plugin.begin(pod, cluster).map { (index: index, run: $0) }
        }
        let wanted = Self.sampleSize(of: nodes.count)
        var feasible: [Int] = []
        var refusal = Unplaceable(nodes: 0)
        for offset in nodes.indices {
            let position = (start + offset) % nodes.count
            guard nodes[position].isKnown else { continue }
            refusal.nodes += 1
            if isFeasible(nodes[position], runs, &refusal) {
                feasible.append(position)
                if feasible.count >= wanted { break }
            }
        }
        guard let first = feasible.first else { return .nowhere(refusal) }
        guard feasible.count > 1 else { return .on(nodes[first].name) }
        return .on(nodes[best(of: feasible, nodes, runs)].name)
    }

    private func isFeasible(
        _ node: NodeInfo, _ runs: [(index: Int, run: any PluginRun)], _ refusal: inout Unplaceable
    ) -> Bool {
        for (index, run) in runs {
            let obstacles = run.obstacles(on: node)
            guard obstacles.isEmpty else {
                refusal.note(obstacles, plugins[index])
                return false
            }
        }
        return true
    }

    /// The highest total; among equals the first from `start` on.
    private func best(of feasible: [Int], _ nodes: [NodeInfo], _ runs: [(index: Int, run: any PluginRun)]) -> Int {
        var totals = [Int64](repeating: 0, count: feasible.count)
        for (index, run) in runs where plugins[index].weight > 0 {
            var scores = feasible.map { run.score(nodes[$0]) }
            run.scale.apply(to: &scores)
            for position in scores.indices { totals[position] += scores[position] * plugins[index].weight }
        }
        var best = 0
        for position in totals.indices where totals[position] > totals[best] { best = position }
        return feasible[best]
    }

    /// In a large cluster a good node among some is as good as the best of all: a share that shrinks with size, at least 100 nodes.
    static func sampleSize(of nodes: Int) -> Int {
        guard nodes > 100 else { return nodes }
        let percent = max(5, 50 - nodes / 125)
        return max(100, nodes * percent / 100)
    }
}

/// Where a pod can go.
package enum Placement: Sendable, Hashable {
    case on(String)
    case nowhere(Unplaceable)
}

/// Why a pod fits nowhere.
package struct Unplaceable: Sendable, Hashable {
    /// How many nodes were asked.
    package var nodes: Int
    /// How many nodes gave each reason.
    package private(set) var reasons: [String: Int] = [:]
    /// What could help.
    package private(set) var helpedBy: ClusterChange = []

    package init(nodes: Int) {
        self.nodes = nodes
        if nodes == 0 { helpedBy = .nodeAdded }
    }

    mutating func note(_ obstacles: [String], _ plugin: any SchedulingPlugin) {
        for obstacle in obstacles { reasons[obstacle, default: 0] += 1 }
        helpedBy.formUnion(plugin.helpedBy)
    }

    /// As users know it: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
    package var message: String {
        guard nodes > 0 else { return "no nodes available to schedule pods" }
        let parts = reasons.map { "\($0.value) \($0.key)" }.sorted()
        return "0/\(nodes) nodes are available: \(parts.joined(separator: ", "))."
    }
}
