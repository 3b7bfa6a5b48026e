import APIMachinery
import KubernetesAPI

/// What a pod takes of its node for as long as it is there.
struct NodeClaim: Sendable, Hashable {
    /// In the order in which a shortage is told.
    static let resources = ["cpu", "memory", "ephemeral-storage"]

    var amounts: [String: Quantity]
    var ports: [PodSpec.HostPort]

    init(_ pod: PodSpec) {
        amounts = pod.totalRequests.filter { Self.resources.contains($0.key) }
        ports = pod.hostPorts
    }
}

/// Whoever names the node himself is not asked by the scheduler. Refusals of newcomers, in upstream's words; nil for any other pod.
extension PodTermination {
    /// Of one that asks for more than the node has left, or for a port that another has. A critical one is not held to the former.
    static func refusal(
        of pod: Pod, _ claim: NodeClaim, beside others: [NodeClaim], allocatable: [String: Quantity]
    ) -> PodTermination? {
        guard pod.status.startTime == nil else { return nil }
        if !pod.isCritical, let shortage = shortage(claim, others, allocatable) {
            return rejection(
                "OutOf\(shortage.resource)",
                "Node didn't have enough resource: \(shortage.resource), requested: \(shortage.requested), used: \(shortage.used), "
                    + "capacity: \(shortage.capacity)")
        }
        let isTaken = others.contains {
            $0.ports.contains { taken in claim.ports.contains { $0.collides(with: taken) } }
        }
        return isTaken ? rejection("NodePorts", predicate: "didn't have free ports for the requested pod ports") : nil
    }

    /// Of one for another operating system.
    static func refusal(ofForeign pod: Pod) -> PodTermination? {
        guard pod.status.startTime == nil, let system = pod.spec.os?.name, system != "linux" else { return nil }
        return rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    }

    /// Of one that is for nodes with other labels.
    static func refusal(of pod: Pod, onNode name: String, labels: [String: String]) -> PodTermination? {
        guard pod.status.startTime == nil, !pod.spec.selects(node: name, labels: labels) else { return nil }
        return rejection("NodeAffinity", predicate: "didn't match Pod's node affinity/selector")
    }

    private static func shortage(
        _ claim: NodeClaim, _ others: [NodeClaim], _ allocatable: [String: Quantity]
    ) -> (resource: String, requested: Int64, used: Int64, capacity: Int64)? {
        if let most = allocatable["pods"]?.value, others.count >= most {
            return ("pods", 1, Int64(others.count), most)
        }
        for resource in NodeClaim.resources {
            guard let requested = claim.amounts[resource], requested > .zero, let capacity = allocatable[resource]
            else {
                continue
            }
            let used = others.reduce(Quantity.zero) { $0 + ($1.amounts[resource] ?? .zero) }
            guard requested + used > capacity else { continue }
            let number = resource == "cpu" ? \Quantity.milliValue : \Quantity.value
            return (resource, requested[keyPath: number], used[keyPath: number], capacity[keyPath: number])
        }
        return nil
    }

    private static func rejection(_ name: String, predicate: String) -> PodTermination {
        rejection(name, "Predicate \(name) failed: node(s) \(predicate)")
    }

    private static func rejection(_ reason: String, _ message: String) -> PodTermination {
        PodTermination(
            reason: reason, message: "Pod was rejected: \(message)", grace: .zero, disruption: nil, hasEvent: true,
            isRejection: true)
    }
}

extension PodExecutor {
    /// Asks for the node's labels as they are now: the scheduler may know new ones already. A node that cannot be asked about takes the pod.
    func refusal(ofMisplaced pod: Pod) async -> PodTermination? {
        let required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        guard pod.status.startTime == nil, !pod.isStatic, !pod.spec.nodeSelector.isEmpty || required != nil,
            let labels = await objects.nodeLabels(node.name)
        else { return nil }
        return PodTermination.refusal(of: pod, onNode: node.name, labels: labels)
    }
}
