import APIMachinery
import JSONTree

/// How a pod fares.
package struct PodStatus: APIValue {
    package final class Fields: FieldSet {
        package let allocatedResources = Total<[String: Quantity]>(
            "allocatedResources", "Resources that the node has set aside for the pod as a whole.")
        package let conditions = Total<[PodCondition]>(
            "conditions", "Turns of the pod's life: PodScheduled, Initialized, ContainersReady, Ready and others.",
            .listMap(["type"]), .mergeKey("type"))
        package let containerStatuses = Total<[ContainerStatus]>(
            "containerStatuses", "State of each container.", .atomic)
        package let ephemeralContainerStatuses = Total<[ContainerStatus]>(
            "ephemeralContainerStatuses", "State of each ephemeral container.", .atomic)
        package let extendedResourceClaimStatus = Key<PodExtendedResourceClaimStatus>(
            "extendedResourceClaimStatus", "The claim made for extended resources that a device driver provides.")
        package let hostIP = Key<String>("hostIP", "Address of the node.")
        package let hostIPs = Total<[HostIP]>(
            "hostIPs", "Addresses of the node, at most one of each family.", .atomic, .mergeKey("ip"))
        package let initContainerStatuses = Total<[ContainerStatus]>(
            "initContainerStatuses", "State of each init container.", .atomic)
        package let message = Key<String>("message", "Why the pod is as it is, for people.")
        package let nodeAllocatableResourceClaimStatuses = Total<[NodeAllocatableResourceClaimStatus]>(
            "nodeAllocatableResourceClaimStatuses", "Node resources taken through device claims.", .atomic)
        package let nominatedNodeName = Key<String>("nominatedNodeName", "Node where room is being made for the pod.")
        package let observedGeneration = Total<Int64>(
            "observedGeneration", "Generation of the spec that this status is about.")
        package let phase = Key<String>(
            "phase", "Pending, Running, Succeeded, Failed or Unknown.",
            .oneOf(["Pending", "Running", "Succeeded", "Failed", "Unknown"]))
        package let podIP = Key<String>("podIP", "First address of the pod.")
        package let podIPs = Total<[PodIP]>(
            "podIPs", "Addresses of the pod, at most one of each family.", .listMap(["ip"]), .mergeKey("ip"))
        package let qosClass = Key<String>(
            "qosClass", "Service class that follows from requests and limits.",
            .oneOf(["Guaranteed", "Burstable", "BestEffort"]))
        package let reason = Key<String>("reason", "Why the pod is as it is, in one word: Evicted, for instance.")
        package let resize = Key<String>(
            "resize", "How a change of resources stands; conditions have taken its place.",
            .oneOf(["Deferred", "Infeasible", "InProgress", "Proposed"]))
        package let resourceClaimStatuses = Total<[PodResourceClaimStatus]>(
            "resourceClaimStatuses", "Claims made from templates for this pod.", .listMap(["name"]), .mergeKey("name"),
            .retainKeys)
        package let resources = Key<ResourceRequirements>(
            "resources", "Requests and limits of the pod as a whole that are in force.")
        package let startTime = Key<Timestamp>("startTime", "When the node took the pod on.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One turn of a pod's life.
package struct PodCondition: APIValue {
    package final class Fields: FieldSet {
        package let lastProbeTime = Key<Timestamp>("lastProbeTime", "When the condition was last checked.")
        package let lastTransitionTime = Key<Timestamp>("lastTransitionTime", "When the status last changed.")
        package let message = Key<String>("message", "Details for people.")
        package let observedGeneration = Key<Int64>(
            "observedGeneration", "Generation of the pod that the condition is about.")
        package let reason = Key<String>("reason", "Why it last changed, in one word.")
        package let status = Total<String>("status", "True, False or Unknown.", .required)
        package let type = Total<String>("type", "What the condition is about.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An address of a pod.
package struct PodIP: APIValue {
    package final class Fields: FieldSet {
        package let ip = Total<String>("ip", "The address.", .required, .format(.ip))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An address of a node.
package struct HostIP: APIValue {
    package final class Fields: FieldSet {
        package let ip = Total<String>("ip", "The address.", .required, .format(.ip))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The claim made from a template.
package struct PodResourceClaimStatus: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the claim in the spec.", .required)
        package let resourceClaimName = Key<String>(
            "resourceClaimName", "The claim that was made; absent: none was needed.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The claim made for extended resources.
package struct PodExtendedResourceClaimStatus: APIValue {
    package final class Fields: FieldSet {
        package let requestMappings = Total<[ContainerExtendedResourceRequest]>(
            "requestMappings", "Which request of the claim serves which container's resource.", .required, .atomic)
        package let resourceClaimName = Total<String>("resourceClaimName", "The claim.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A container's extended resource and the request that serves it.
package struct ContainerExtendedResourceRequest: APIValue {
    package final class Fields: FieldSet {
        package let containerName = Total<String>("containerName", "The container.", .required)
        package let requestName = Total<String>("requestName", "The request of the claim.", .required)
        package let resourceName = Total<String>("resourceName", "The extended resource.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Node resources taken through one claim.
package struct NodeAllocatableResourceClaimStatus: APIValue {
    package final class Fields: FieldSet {
        package let containers = Total<[String]>("containers", "Containers that use the claim.", .set)
        package let resourceClaimName = Total<String>("resourceClaimName", "The claim.", .required)
        package let resources = Total<[String: Quantity]>("resources", "What it takes, by resource.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
