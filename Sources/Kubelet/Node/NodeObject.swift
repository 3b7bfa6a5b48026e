import APIMachinery
import CRI
import KubernetesAPI

/// The node's object, made purely from what the machine is and what the runtime says of itself.
struct NodeObject: Sendable {
    let identity: NodeIdentity
    let facts: NodeFacts
    var eviction: EvictionSettings?

    /// The node as it is registered.
    func initial() -> Node {
        Node(name: identity.name) {
            $0.metadata.labels = labels
        }
    }

    var labels: [String: String] {
        facts.labels.merging([
            "kubernetes.io/hostname": identity.name, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": facts.architecture, "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": facts.architecture,
        ]) { $1 }
    }

    /// - Parameters:
    ///   - old: the status as it stands, whose transition times are kept where a condition has not changed.
    ///   - images: nil where they are not known: those that were stay.
    ///   - host: what is or is not wrong with the machine; what is not is said only where the old status says something of it.
    func status(
        _ old: NodeStatus, runtime: RuntimeStatus?, images: [Image]?, host: [RuntimeStatus.Condition] = [],
        pressures: Set<NodePressure> = [],
        isShuttingDown: Bool = false, at time: Timestamp
    ) -> NodeStatus {
        var status = old
        let resources: [String: Quantity] = [
            "cpu": Quantity(milli: facts.cpuMilli),
            "memory": Quantity(facts.memoryBytes / 1024 * 1024, format: .binary),
            "ephemeral-storage": Quantity(facts.diskBytes / 1024 * 1024, format: .binary),
            "pods": Quantity(facts.maximumPods),
        ]
        status.capacity = resources
        status.allocatable = resources.merging(allocatable) { $1 }
        status.addresses =
            identity.addresses.map { address in
                NodeAddress {
                    $0.type = "InternalIP"
                    $0.address = address
                }
            } + [
                NodeAddress {
                    $0.type = "Hostname"
                    $0.address = facts.hostname
                }
            ]
        if let port = facts.agentPort {
            status.daemonEndpoints = NodeDaemonEndpoints { $0.kubeletEndpoint = DaemonEndpoint { $0.port = port } }
        }
        status.nodeInfo = info
        if let runtime {
            status.features = NodeFeatures { $0.supplementalGroupsPolicy = runtime.hasStrictGroups }
            let features = NodeRuntimeHandlerFeatures {
                $0.userNamespaces = runtime.hasUserNamespaces
                $0.recursiveReadOnlyMounts = runtime.mountsRecursivelyReadOnly
            }
            status.runtimeHandlers = [
                NodeRuntimeHandler {
                    $0.name = ""
                    $0.features = features
                }
            ]
        }
        if let images {
            status.images = images.prefix(50).map { image in
                ContainerImage {
                    $0.names = image.digests + image.tags
                    $0.sizeBytes = Int64(clamping: image.size)
                }
            }
        }
        let own = NodePressure.allCases.map { Self.condition($0, pressures.contains($0)) }
        let said = Set(old.conditions.map(\.type))
        let ofHost = host.filter { $0.isTrue || said.contains($0.type) }
        for condition in own + ofHost + conditions(runtime, isShuttingDown: isShuttingDown) {
            set(condition, in: &status, at: time)
        }
        return status
    }

    private var info: NodeSystemInfo {
        NodeSystemInfo {
            $0.architecture = facts.architecture
            $0.operatingSystem = "linux"
            $0.kernelVersion = facts.kernelVersion
            $0.osImage = facts.operatingSystem
            $0.bootID = facts.bootID
            $0.machineID = facts.machineID
            $0.systemUUID = facts.machineID
            $0.containerRuntimeVersion = facts.runtimeVersion
            $0.kubeletVersion = facts.kubeletVersion
            $0.kubeProxyVersion = facts.kubeletVersion
        }
    }

    /// What pods are given of it: without what is reserved, and without what is to be left free. The cgroup of all pods holds the former.
    var allocatable: [String: Quantity] {
        let memory = facts.reserved.rest(
            of: facts.allocatableMemory, eviction?.reserve(.memory, of: facts.memoryBytes) ?? 0)
        let disk = facts.reserved.rest(
            of: facts.reserved.rest(of: facts.diskBytes, facts.reserved.diskBytes),
            eviction?.reserve(.disk, of: facts.diskBytes) ?? 0)
        return [
            "cpu": Quantity(milli: facts.reserved.rest(of: facts.cpuMilli, facts.reserved.cpuMilli)),
            "memory": Quantity(memory / 1024 * 1024, format: .binary),
            "ephemeral-storage": Quantity(disk / 1024 * 1024, format: .binary),
            "pods": Quantity(facts.maximumPods),
        ]
    }

    private static func condition(_ pressure: NodePressure, _ isUnder: Bool) -> RuntimeStatus.Condition {
        .init(
            type: pressure.rawValue, isTrue: isUnder, reason: pressure.reason(isUnder),
            message: pressure.message(isUnder))
    }

    private func conditions(_ runtime: RuntimeStatus?, isShuttingDown: Bool) -> [RuntimeStatus.Condition] {
        var conditions: [RuntimeStatus.Condition] = []
        let failed = runtime?.conditions.filter {
            ["RuntimeReady", "NetworkReady"].contains($0.type) && !$0.isTrue
        }
        let problem =
            isShuttingDown
            ? "node is shutting down"
            : runtime == nil
                ? "the container runtime does not answer"
                : failed?.map { "\($0.type) is false: \($0.message)" }.joined(separator: "; ") ?? ""
        conditions.append(
            problem.isEmpty
                ? .init(type: "Ready", isTrue: true, reason: "KubeletReady", message: "kubelet is posting ready status")
                : .init(type: "Ready", isTrue: false, reason: "KubeletNotReady", message: problem))
        for other in runtime?.conditions ?? [] where !["RuntimeReady", "NetworkReady"].contains(other.type) {
            conditions.append(other)
        }
        return conditions
    }

    private func set(_ condition: RuntimeStatus.Condition, in status: inout NodeStatus, at time: Timestamp) {
        let value = condition.isTrue ? "True" : "False"
        let index = status.conditions.firstIndex { $0.type == condition.type }
        let old = index.map { status.conditions[$0] }
        let new = NodeCondition {
            $0.type = condition.type
            $0.status = value
            $0.reason = condition.reason
            $0.message = condition.message
            $0.lastHeartbeatTime = time
            $0.lastTransitionTime = old?.status == value ? old?.lastTransitionTime : time
        }
        var conditions = status.conditions
        if let index { conditions[index] = new } else { conditions.append(new) }
        status.conditions = conditions
    }
}
