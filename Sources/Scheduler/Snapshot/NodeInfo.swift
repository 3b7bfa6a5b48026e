import APIMachinery
import KubernetesAPI

/// What placement needs to know of a node, with the pods that are on it or on their way.
package struct NodeInfo: Sendable {
    package let name: String
    package private(set) var labels: [String: String] = [:]
    package private(set) var taints: [Taint] = []
    package private(set) var isUnschedulable = false
    package private(set) var allocatable = ResourceAmounts()
    package private(set) var podLimit: Int64 = 0
    /// The node itself is known; else only pods on it are, and it takes no more.
    package private(set) var isKnown = false

    package private(set) var requested = ResourceAmounts()
    package private(set) var weight = ResourceAmounts()
    package private(set) var pods: [String: PodInfo] = [:]
    package private(set) var hostPorts: [PodSpec.HostPort] = []
    /// Pods here that must not have certain others near them.
    package private(set) var shunning: Set<String> = []

    package init(name: String) {
        self.name = name
    }

    /// What became better for pods that wait.
    mutating func update(_ node: Node) -> ClusterChange {
        var change: ClusterChange = isKnown ? [] : .nodeAdded
        let newLabels = node.metadata.labels
        let spec = node.spec
        let quantities = node.status.allocatable
        let newAllocatable = ResourceAmounts(quantities)
        let newLimit = quantities["pods"]?.value ?? 0
        if newLabels != labels { change.insert(.nodeLabels) }
        if spec.taints != taints || spec.unschedulable != isUnschedulable { change.insert(.nodeTaints) }
        if newAllocatable != allocatable || newLimit != podLimit { change.insert(.nodeResources) }
        labels = newLabels
        taints = spec.taints
        isUnschedulable = spec.unschedulable
        allocatable = newAllocatable
        podLimit = newLimit
        isKnown = true
        return change
    }

    /// The node is gone; its pods may still be there for a while.
    mutating func forgetNode() {
        isKnown = false
        labels = [:]
        taints = []
    }

    mutating func add(_ pod: PodInfo) {
        guard pods.updateValue(pod, forKey: pod.uid) == nil else { return }
        requested += pod.requests
        weight += pod.weight
        hostPorts += pod.hostPorts
        if !pod.requiredAntiAffinity.isEmpty { shunning.insert(pod.uid) }
    }

    mutating func remove(_ uid: String) -> PodInfo? {
        guard let pod = pods.removeValue(forKey: uid) else { return nil }
        requested -= pod.requests
        weight -= pod.weight
        for port in pod.hostPorts {
            if let index = hostPorts.firstIndex(of: port) { hostPorts.remove(at: index) }
        }
        shunning.remove(uid)
        return pod
    }
}
