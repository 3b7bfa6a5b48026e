import APIMachinery
import JSONTree
import KubernetesAPI

/// What of a pod matters to those who own it or send traffic to it. Most of a node's reports change none of it, and need no reconciliation.
struct PodFacts: Hashable {
    private let labels: JSONValue?
    private let owners: JSONValue?
    private let isEnding: Bool
    private let nodeName: String?
    private let phase: String?
    private let ready: PodCondition?
    private let address: String?
    private let addresses: JSONValue?

    init(_ pod: Pod) {
        let metadata = pod.metadata
        let status = pod.status
        labels = metadata.storage["labels"]
        owners = metadata.storage["ownerReferences"]
        isEnding = metadata.deletionTimestamp != nil
        nodeName = pod.spec.nodeName
        phase = status.phase
        ready = pod.readyCondition
        address = status.podIP
        addresses = status.storage["podIPs"]
    }

    /// Whether a change from one to the other matters; a pod that came or went always does.
    static func differ(_ before: Pod?, _ after: Pod?) -> Bool {
        guard let before, let after, before.metadata.uid == after.metadata.uid else { return true }
        return PodFacts(before) != PodFacts(after)
    }
}
