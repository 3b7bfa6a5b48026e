import APIMachinery
import KubernetesAPI

/// What placement needs to know of a pod, read from it once.
package struct PodInfo: Sendable, Hashable {
    package let namespace: String
    package let name: String
    package let uid: String
    package let labels: [String: String]
    /// The node it is on, or must go to; "" for none.
    package let nodeName: String
    package let priority: Int32
    package let requests: ResourceAmounts
    /// Requests, with a small amount in place of none, so that pods without requests are spread too.
    package let weight: ResourceAmounts
    package let hostPorts: [PodSpec.HostPort]
    package let nodeSelector: [String: String]
    package let affinity: Affinity?
    package let tolerations: [Toleration]
    package let spreadConstraints: [TopologySpreadConstraint]
    /// It is being deleted: it holds its room, but counts as no neighbour to spread from.
    package let isEnding: Bool
    /// Someone holds the pod back.
    package let isGated: Bool

    package init(_ pod: Pod) {
        let metadata = pod.metadata
        let spec = pod.spec
        namespace = metadata.namespace
        name = metadata.name
        uid = metadata.uid
        labels = metadata.labels
        isEnding = metadata.deletionTimestamp != nil
        nodeName = spec.nodeName ?? ""
        priority = spec.priority ?? 0
        requests = ResourceAmounts(spec.totalRequests)
        var weight = requests
        if weight.milliCPU == 0 { weight.milliCPU = 100 }
        if weight.memory == 0 { weight.memory = 200 << 20 }
        self.weight = weight
        hostPorts = spec.hostPorts
        nodeSelector = spec.nodeSelector
        affinity = spec.affinity
        tolerations = spec.tolerations
        spreadConstraints = spec.topologySpreadConstraints
        isGated = !spec.schedulingGates.isEmpty
    }

    /// `NAMESPACE/NAME`.
    package var path: String { "\(namespace)/\(name)" }

    var requiredAntiAffinity: [PodAffinityTerm] {
        affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    }
}
