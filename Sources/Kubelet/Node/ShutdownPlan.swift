import KubernetesAPI

/// In which order the pods of a node end when its machine shuts down, and how long each may take: the others first, then the critical ones.
package struct ShutdownPlan: Sendable, Hashable {
    /// Pods that end at one time.
    struct Stage: Sendable, Hashable {
        /// By their uids, sorted.
        var pods: [String]
        var grace: Duration
    }

    /// From this priority on a pod is critical (`system-cluster-critical`).
    static let criticalPriority: Int32 = 2_000_000_000

    /// Without those that have no pods.
    let stages: [Stage]

    /// - Parameters:
    ///   - grace: for all pods together.
    ///   - criticalGrace: the part of it that is kept for critical pods; all of it at most.
    init(_ pods: [Pod], grace: Duration, criticalGrace: Duration) {
        let kept = min(criticalGrace, grace)
        let critical = pods.filter(Self.isCritical)
        let others = pods.filter { !Self.isCritical($0) }
        stages = [(others, grace - kept), (critical, kept)].filter { !$0.0.isEmpty }.map { pods, grace in
            Stage(pods: pods.map(\.metadata.uid).sorted(), grace: grace)
        }
    }

    /// Static pods are what the machine itself needs.
    private static func isCritical(_ pod: Pod) -> Bool {
        pod.isStatic || (pod.spec.priority ?? 0) >= criticalPriority
    }
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
        disruption: nil)
}
