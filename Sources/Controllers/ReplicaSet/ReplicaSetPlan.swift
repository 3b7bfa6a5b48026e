import APIMachinery
import JSONTree
import KubernetesAPI

/// What to do so that a ReplicaSet has the pods it wants.
package struct ReplicaSetPlan: Sendable {
    package enum Action: Sendable, Hashable {
        case adopt(Pod)
        case release(Pod)
        /// Makes so many pods like this one.
        case create(Pod, count: Int)
        case delete(Pod)
        case updateStatus(ReplicaSetStatus)
    }

    /// In the order in which they are to be carried out.
    package private(set) var actions: [Action] = []
    /// When to look again though nothing changed: a pod becomes available then.
    package private(set) var nextLook: Timestamp?

    /// At most so many pods are made or deleted in one go; the rest follows in the next.
    static let burst = 500

    /// - Parameters:
    ///   - pods: all pods of the namespace (others than the set's own count as neighbours where `related` says so).
    ///   - related: whether a pod belongs to the same workload, for spreading deletions over nodes.
    package init(
        for set: ReplicaSet, pods: [Pod], now: Timestamp, failure: ReplicaSetCondition? = nil,
        related: (Pod) -> Bool = { _ in false }
    ) {
        let claim = Claim(pods, selector: set.spec.selector, owner: set.metadata)
        actions += claim.orphans.map(Action.adopt) + claim.strays.map(Action.release)
        let mine = claim.owned + claim.orphans
        let active = mine.filter { $0.isActive }
        if set.metadata.deletionTimestamp == nil {
            balance(set, active, neighbours: mine + pods.filter(related))
        }
        let status = observe(set, mine, active, now, failure)
        if status != set.status { actions.append(.updateStatus(status)) }
    }

    private mutating func balance(_ set: ReplicaSet, _ active: [Pod], neighbours: [Pod]) {
        let difference = active.count - Int(set.spec.replicas)
        if difference < 0 {
            actions.append(.create(set.pod(), count: min(-difference, Self.burst)))
        } else if difference > 0 {
            var perNode: [String: Int] = [:]
            for pod in neighbours where pod.isActive { perNode[pod.spec.nodeName ?? "", default: 0] += 1 }
            let ranked = active.map { pod in
                (rank: PodDeletionRank(pod, neighbours: perNode[pod.spec.nodeName ?? ""] ?? 0), pod: pod)
            }
            let first = ranked.sorted { $0.rank < $1.rank }.prefix(min(difference, Self.burst))
            actions += first.map { .delete($0.pod) }
        }
    }

    private mutating func observe(
        _ set: ReplicaSet, _ mine: [Pod], _ active: [Pod], _ now: Timestamp, _ failure: ReplicaSetCondition?
    ) -> ReplicaSetStatus {
        let templateLabels = set.spec.template.metadata.labels
        let minReadySeconds = set.spec.minReadySeconds
        var status = set.status
        var available: Int32 = 0
        for pod in active {
            guard let moment = pod.availableAt(minReadySeconds: minReadySeconds) else { continue }
            if moment <= now {
                available += 1
            } else {
                nextLook = min(nextLook ?? moment, moment)
            }
        }
        status.replicas = Int32(clamping: active.count)
        status.fullyLabeledReplicas = Int32(
            clamping: active.count { pod in
                let labels = pod.metadata.labels
                return templateLabels.allSatisfy { labels[$0.key] == $0.value }
            })
        status.readyReplicas = Int32(clamping: active.count { $0.isReady })
        status.availableReplicas = available
        status.terminatingReplicas = Int32(
            clamping: mine.count { $0.metadata.deletionTimestamp != nil && !$0.isFinished })
        status.observedGeneration = set.metadata.generation
        let others = status.conditions.filter { $0.type != "ReplicaFailure" }
        if failure != nil || others.count != status.conditions.count {
            status.conditions = others + (failure.map { [$0] } ?? [])
        }
        return status
    }
}

extension ReplicaSet {
    /// The next pod to be made from the template. The server appends the rest of its name.
    func pod() -> Pod {
        let template = self.spec.template
        var pod = Pod(name: "", namespace: metadata.namespace)
        pod.metadata.storage["name"] = nil
        pod.metadata.generateName = metadata.name + "-"
        for field in ["labels", "annotations", "finalizers"] {
            pod.metadata.storage[field] = template.metadata.storage[field]
        }
        pod.metadata.ownerReferences = [controllerReference()]
        pod.spec = template.spec
        return pod
    }
}
