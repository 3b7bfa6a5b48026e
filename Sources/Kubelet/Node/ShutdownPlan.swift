import KubernetesAPI

/// In which order the pods of a node end when its machine shuts down, and how long each may take: the others first, then the critical ones.
package struct ShutdownPlan: Sendable, Hashable {
    /// Pods that end at one time.
    struct Stage: Sendable, Hashable {
        /// By their uids, sorted.
        var pods: [String]
        var grace: Duration
    }

    /// Without those that have no pods.
    let stages: [Stage]

    /// - Parameters:
    ///   - grace: for all pods together.
    ///   - criticalGrace: the part of it that is kept for critical pods; all of it at most.
    init(_ pods: [Pod], grace: Duration, criticalGrace: Duration) {
        let kept = min(criticalGrace, grace)
        let critical = pods.filter(\.isCritical)
        let others = pods.filter { !$0.isCritical }
        stages = [(others, grace - kept), (critical, kept)].filter { !$0.0.isEmpty }.map { pods, grace in
            Stage(pods: pods.map(\.metadata.uid).sorted(), grace: grace)
        }
    }
}

extension Pod {
    /// From this priority on a pod is critical (`system-cluster-critical`).
    private static let criticalPriority: Int32 = 2_000_000_000

    /// Static pods are what the machine itself needs.
    var isCritical: Bool { isStatic || (self.spec.priority ?? 0) >= Self.criticalPriority }
}

extension PodTermination {
    static func shutdown(grace: Duration) -> PodTermination {
        PodTermination(
            reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown.", grace: grace,
            disruption: "TerminationByKubelet")
    }

    /// Of a pod that comes while the node shuts down.
    static let notAdmitted = PodTermination(
        reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down.", grace: .zero,
        disruption: nil, isRejection: true)
}
