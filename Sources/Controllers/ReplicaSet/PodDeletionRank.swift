import APIMachinery
import KubernetesAPI

/// How dispensable a pod is: the first in order goes first. In Kubernetes' order: not assigned, not running, not ready, cheap to delete, on
/// a node with many of its kind, ready for a short time, restarted often, young.
struct PodDeletionRank: Comparable {
    private let criteria: [Int64]
    private let uid: String

    /// `neighbours` is the number of pods of the same workload on the pod's node.
    init(_ pod: Pod, neighbours: Int) {
        let status = pod.status
        let isAssigned = !(pod.spec.nodeName ?? "").isEmpty
        let phase: Int64 =
            switch status.phase {
            case "Running": 2
            case "Unknown": 1
            default: 0
            }
        let cost = pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"].flatMap { Int32($0) } ?? 0
        let readySince = pod.isReady ? pod.readyCondition?.lastTransitionTime?.seconds ?? 0 : 0
        let restarts = status.containerStatuses.map { Int64($0.restartCount) }.max() ?? 0
        criteria = [
            isAssigned ? 1 : 0, phase, pod.isReady ? 1 : 0, Int64(cost), -Int64(neighbours), -readySince, -restarts,
            -(pod.metadata.creationTimestamp?.seconds ?? 0),
        ]
        uid = pod.metadata.uid
    }

    static func < (left: PodDeletionRank, right: PodDeletionRank) -> Bool {
        for (mine, theirs) in zip(left.criteria, right.criteria) where mine != theirs { return mine < theirs }
        return left.uid < right.uid
    }

    static func == (left: PodDeletionRank, right: PodDeletionRank) -> Bool {
        left.uid == right.uid && left.criteria == right.criteria
    }
}
