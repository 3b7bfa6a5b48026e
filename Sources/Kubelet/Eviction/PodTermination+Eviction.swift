import APIMachinery
import KubernetesAPI

extension PodTermination {
    /// Of a pod that the node evicts.
    static func eviction(_ message: String, grace: Duration) -> PodTermination {
        PodTermination(
            reason: "Evicted", message: message, grace: grace, disruption: "TerminationByKubelet", hasEvent: true)
    }

    /// Of a pod that comes while the node is short of something; nil for one that may run nevertheless. One that ran here before is no newcomer.
    ///
    /// Under memory pressure alone only those are refused that ask for nothing and do not tolerate it; under any other all but critical ones.
    static func refusal(of pod: Pod, under pressures: Set<NodePressure>) -> PodTermination? {
        guard !pressures.isEmpty, pod.status.startTime == nil, !pod.isCritical else { return nil }
        if pressures == [.memory] {
            let taint = Taint {
                $0.key = "node.kubernetes.io/memory-pressure"
                $0.effect = "NoSchedule"
            }
            let isTolerated = pod.spec.tolerations.contains { $0.tolerates(taint) }
            if isTolerated || pod.spec.serviceClass != .bestEffort { return nil }
        }
        let names = NodePressure.allCases.filter(pressures.contains).map(\.rawValue).joined(separator: " ")
        return PodTermination(
            reason: "Evicted", message: "Pod was rejected: The node had condition: [\(names)]. ", grace: .zero,
            disruption: nil, hasEvent: true, isRejection: true)
    }
}

/// Why a pod is evicted, in upstream's words.
enum EvictionMessage {
    static func text(_ need: EvictionNeed, _ usage: PodUsage) -> String {
        let signal = need.threshold.signal
        let reading = need.reading
        let level = Quantity(need.threshold.amount(of: reading.capacity), format: signal.format)
        let available = Quantity(reading.available, format: signal.format)
        var text = "The node was low on resource: \(signal.resource). "
        text += "Threshold quantity: \(level), available: \(available). "
        for container in usage.pod.spec.containers + usage.pod.spec.initContainers {
            guard let used = use(of: container.name, signal, usage) else { continue }
            let request = container.resources?.requests[signal.resource] ?? .zero
            guard used > request else { continue }
            text += "Container \(container.name) was using \(used), request is \(request), "
            text += "has larger consumption of \(signal.resource). "
        }
        return text
    }

    private static func use(of container: String, _ signal: EvictionSignal, _ usage: PodUsage) -> Quantity? {
        switch signal.resource {
        case "memory": usage.containerMemory[container].map { Quantity($0, format: .binary) }
        case "ephemeral-storage":
            usage.files?.containers[container].map { Quantity(Int64(clamping: $0.total.bytes), format: .binary) }
        default: nil
        }
    }
}
