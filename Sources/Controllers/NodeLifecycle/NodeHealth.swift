import APIMachinery
import KubernetesAPI

/// When each node last gave a sign of life, by this process's own clock: clocks of nodes are not trusted. Pure; one entry a node.
package struct NodeHealth: Sendable {
    private struct Sign: Sendable {
        var lease: MicroTime?
        var heartbeat: Timestamp?
        var seen: Duration
    }

    private var signs: [String: Sign] = [:]
    /// How long a node may be silent.
    package let grace: Duration

    package init(grace: Duration) {
        self.grace = grace
    }

    /// A node is alive when its lease or its Ready condition was renewed. What is seen for the first time counts as a sign: after a restart every
    /// node gets its grace.
    package mutating func note(_ node: Node, lease: Lease?, now: Duration) {
        let renewed = lease?.spec.renewTime
        let heartbeat = node.status.conditions.first { $0.type == "Ready" }?.lastHeartbeatTime
        let known = signs[node.metadata.name]
        if let known, known.lease == renewed, known.heartbeat == heartbeat { return }
        signs[node.metadata.name] = Sign(lease: renewed, heartbeat: heartbeat, seen: now)
    }

    /// Takes its silence for nothing: the cluster could not have heard it.
    package mutating func excuse(_ name: String, now: Duration) {
        signs[name]?.seen = now
    }

    package mutating func forget(_ name: String) {
        signs[name] = nil
    }

    /// When the node counts as lost unless it shows itself before.
    package func deadline(_ name: String) -> Duration? {
        signs[name].map { $0.seen + grace }
    }
}
