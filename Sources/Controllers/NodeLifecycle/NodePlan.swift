import APIMachinery
import KubernetesAPI

/// What to do about one node: conditions of one that is silent, taints that follow from conditions, and pods that must leave it.
package struct NodePlan: Sendable {
    package enum Action: Sendable, Hashable {
        case updateStatus(NodeStatus)
        case setTaints([Taint])
        /// A pod of a lost node serves nobody.
        case markNotReady(Pod)
        case evict(Pod)
    }

    package private(set) var actions: [Action] = []
    /// The uptime at which the next pod must leave.
    package private(set) var nextLook: Duration?
    /// Since which uptime each pod, by its unique identifier, has put up with the node's taints, where it does so for a time.
    package private(set) var tolerating: [String: Duration] = [:]

    private static let prefix = "node.kubernetes.io/"

    /// - Parameter tolerating: as the last plan for this node left it. A pod's time begins when it is first seen with the taints, whenever they
    ///   were put there.
    package init(
        for node: Node, pods: [Pod], isLost: Bool, tolerating: [String: Duration] = [:], now: Timestamp,
        uptime: Duration
    ) {
        let conditions = isLost ? Self.unknown(node.status.conditions, now) : node.status.conditions
        if conditions != node.status.conditions {
            var status = node.status
            status.conditions = conditions
            actions.append(.updateStatus(status))
        }
        let taints = Self.taints(node.spec.taints, conditions, isUnschedulable: node.spec.unschedulable, now)
        if taints != node.spec.taints { actions.append(.setTaints(taints)) }
        let ready = conditions.first { $0.type == "Ready" }?.status
        if ready == "Unknown" {
            actions += pods.filter { $0.isReady && !$0.isFinished }.map(Action.markNotReady)
        }
        evict(pods, taints.filter { $0.effect == "NoExecute" }, tolerating, uptime)
    }

    /// What a node said before it fell silent is not known to be true any more.
    private static func unknown(_ conditions: [NodeCondition], _ now: Timestamp) -> [NodeCondition] {
        let watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]
        var result = conditions.map { condition in
            guard watched.contains(condition.type), condition.status != "Unknown" else { return condition }
            var condition = condition
            condition.status = "Unknown"
            condition.reason = "NodeStatusUnknown"
            condition.message = "Kubelet stopped posting node status."
            condition.lastTransitionTime = now.truncatedToSeconds
            return condition
        }
        for type in watched where !conditions.contains(where: { $0.type == type }) {
            result.append(
                NodeCondition {
                    $0.type = type
                    $0.status = "Unknown"
                    $0.reason = "NodeStatusNeverUpdated"
                    $0.message = "Kubelet never posted node status."
                    $0.lastTransitionTime = now.truncatedToSeconds
                })
        }
        return result
    }

    /// The taints that follow from the node's state replace those of before; all others stay.
    private static func taints(
        _ known: [Taint], _ conditions: [NodeCondition], isUnschedulable: Bool, _ now: Timestamp
    ) -> [Taint] {
        var wanted: [(key: String, effect: String)] = []
        for condition in conditions {
            switch (condition.type, condition.status) {
            case ("Ready", "False"): wanted += [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")]
            case ("Ready", "Unknown"): wanted += [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
            case ("MemoryPressure", "True"): wanted.append(("memory-pressure", "NoSchedule"))
            case ("DiskPressure", "True"): wanted.append(("disk-pressure", "NoSchedule"))
            case ("PIDPressure", "True"): wanted.append(("pid-pressure", "NoSchedule"))
            case ("NetworkUnavailable", "True"): wanted.append(("network-unavailable", "NoSchedule"))
            default: break
            }
        }
        if !conditions.contains(where: { $0.type == "Ready" }) { wanted.append(("not-ready", "NoSchedule")) }
        if isUnschedulable { wanted.append(("unschedulable", "NoSchedule")) }
        let ours = [
            "not-ready", "unreachable", "memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable",
            "unschedulable",
        ]
        let kept = known.filter { taint in
            guard taint.key.hasPrefix(prefix), ours.contains(String(taint.key.dropFirst(prefix.count))) else {
                return true
            }
            return wanted.contains { prefix + $0.key == taint.key && $0.effect == taint.effect }
        }
        let new = wanted.filter { want in
            !kept.contains { $0.key == prefix + want.key && $0.effect == want.effect }
        }
        return kept
            + new.map { want in
                Taint {
                    $0.key = prefix + want.key
                    $0.effect = want.effect
                    if want.effect == "NoExecute" { $0.timeAdded = now.truncatedToSeconds }
                }
            }
    }

    /// A pod leaves when it does not tolerate one of the taints, or no longer: its shortest tolerationSeconds counts. What only shows a static pod would come
    /// again at once.
    private mutating func evict(
        _ pods: [Pod], _ taints: [Taint], _ before: [String: Duration], _ now: Duration
    ) {
        guard !taints.isEmpty else { return }
        for pod in pods
        where pod.metadata.deletionTimestamp == nil && !pod.isFinished
            && pod.metadata.annotations["kubernetes.io/config.mirror"] == nil
        {
            guard let patience = Self.patience(pod.spec.tolerations, taints) else { continue }
            let start = before[pod.metadata.uid] ?? now
            tolerating[pod.metadata.uid] = start
            let due = start + patience
            if due <= now {
                actions.append(.evict(pod))
            } else {
                nextLook = min(nextLook ?? due, due)
            }
        }
    }

    /// nil: the pod may stay for ever. Of several tolerations of a taint the first counts.
    private static func patience(_ tolerations: [Toleration], _ taints: [Taint]) -> Duration? {
        var shortest: Int64?
        for taint in taints {
            guard let toleration = tolerations.first(where: { $0.tolerates(taint) }) else { return .zero }
            guard let seconds = toleration.tolerationSeconds else { continue }
            shortest = min(shortest ?? seconds, seconds)
        }
        return shortest.map { .seconds(max(0, min($0, 1 << 32))) }
    }
}
