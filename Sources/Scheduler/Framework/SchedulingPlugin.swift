/// One rule of placement. Stateless: what it works out for one pod is in its `PluginRun`.
package protocol SchedulingPlugin: Sendable {
    /// Changes after which a pod that this plugin kept off every node is worth another try.
    var helpedBy: ClusterChange { get }
    /// Its share of a node's total score; 0 where it does not score.
    var weight: Int64 { get }
    /// Starts with one pod; nil where the rule does not concern it.
    func begin(_ pod: PodInfo, _ cluster: ClusterCache) -> (any PluginRun)?
}

/// A rule of placement, applied to one pod.
package protocol PluginRun: Sendable {
    /// Why the pod cannot go there, in Kubernetes' words; empty: it can.
    func obstacles(on node: NodeInfo) -> [String]
    /// How well the node fits; made comparable by `scale`.
    func score(_ node: NodeInfo) -> Int64
    var scale: ScoreScale { get }
}

/// How raw scores become scores between 0 and 100.
package enum ScoreScale: Sendable {
    /// They are that already.
    case asIs
    /// The highest becomes 100.
    case highestIsBest
    /// 0 becomes 100, the highest 0.
    case lowestIsBest
    /// The lowest becomes 0 and the highest 100; they may be negative.
    case range
}

extension SchedulingPlugin {
    package var weight: Int64 { 0 }
}

extension PluginRun {
    package func obstacles(on node: NodeInfo) -> [String] { [] }
    package func score(_ node: NodeInfo) -> Int64 { 0 }
    package var scale: ScoreScale { .asIs }
}

extension ScoreScale {
    func apply(to scores: inout [Int64]) {
        guard let highest = scores.max(), let lowest = scores.min() else { return }
        switch self {
        case .asIs: break
        case .highestIsBest:
            guard highest > 0 else { return }
            for index in scores.indices { scores[index] = scores[index] * 100 / highest }
        case .lowestIsBest:
            for index in scores.indices { scores[index] = highest > 0 ? 100 - scores[index] * 100 / highest : 100 }
        case .range:
            let width = highest - lowest
            for index in scores.indices { scores[index] = width > 0 ? (scores[index] - lowest) * 100 / width : 0 }
        }
    }
}
