import APIMachinery
import JSONTree

/// What a machine has and how it fares.
package struct NodeStatus: APIValue {
    package final class Fields: FieldSet {
        package let addresses = Total<[NodeAddress]>(
            "addresses", "Its addresses and names.", .listMap(["type"]), .mergeKey("type"), .repeatable)
        package let allocatable = Total<[String: Quantity]>("allocatable", "Resources left for pods.")
        package let capacity = Total<[String: Quantity]>("capacity", "Resources it has.")
        package let conditions = Total<[NodeCondition]>(
            "conditions", "Ready, MemoryPressure, DiskPressure, PIDPressure and others.", .listMap(["type"]),
            .mergeKey("type"))
        package let config = Key<NodeConfigStatus>("config", "No longer used.")
        package let daemonEndpoints = Total<NodeDaemonEndpoints>("daemonEndpoints", "Ports of its agent.")
        package let declaredFeatures = Total<[String]>(
            "declaredFeatures", "Features of its agent that can differ between versions.", .atomic)
        package let features = Key<NodeFeatures>("features", "What its runtime can do.")
        package let images = Total<[ContainerImage]>("images", "Images it has.", .atomic)
        package let nodeInfo = Total<NodeSystemInfo>("nodeInfo", "Identifiers and versions.")
        package let phase = Key<String>("phase", "No longer used.", .oneOf(["Pending", "Running", "Terminated"]))
        package let runtimeHandlers = Total<[NodeRuntimeHandler]>(
            "runtimeHandlers", "The runtime handlers and what each can do.", .atomic)
        package let volumesAttached = Total<[AttachedVolume]>("volumesAttached", "Volumes attached to it.", .atomic)
        package let volumesInUse = Total<[String]>("volumesInUse", "Volumes that it uses.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One aspect of a machine.
package struct NodeCondition: APIValue {
    package final class Fields: FieldSet {
        package let lastHeartbeatTime = Key<Timestamp>("lastHeartbeatTime", "When the machine last reported it.")
        package let lastTransitionTime = Key<Timestamp>("lastTransitionTime", "When the status last changed.")
        package let message = Key<String>("message", "Details for people.")
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

/// An address or name of a machine.
package struct NodeAddress: APIValue {
    package final class Fields: FieldSet {
        package let address = Total<String>("address", "The address.", .required)
        package let type = Total<String>(
            "type", "InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Identifiers and versions of a machine.
package struct NodeSystemInfo: APIValue {
    package final class Fields: FieldSet {
        package let architecture = Total<String>("architecture", "Processor architecture, as amd64.", .required)
        package let bootID = Total<String>("bootID", "Identifier of this boot.", .required)
        package let containerRuntimeVersion = Total<String>(
            "containerRuntimeVersion", "Runtime and its version: RUNTIME://VERSION.", .required)
        package let kernelVersion = Total<String>("kernelVersion", "Version of the kernel.", .required)
        package let kubeProxyVersion = Total<String>("kubeProxyVersion", "No longer used.", .required)
        package let kubeletVersion = Total<String>("kubeletVersion", "Version of the node agent.", .required)
        package let machineID = Total<String>("machineID", "Identifier of the installation.", .required)
        package let operatingSystem = Total<String>("operatingSystem", "Operating system, as linux.", .required)
        package let osImage = Total<String>("osImage", "Name of the distribution.", .required)
        package let swap = Key<NodeSwapStatus>("swap", "Swap space.")
        package let systemUUID = Total<String>("systemUUID", "Identifier of the hardware.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Swap space of a machine.
package struct NodeSwapStatus: APIValue {
    package final class Fields: FieldSet {
        package let capacity = Key<Int64>("capacity", "Bytes of it.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Ports of a node's agent.
package struct NodeDaemonEndpoints: APIValue {
    package final class Fields: FieldSet {
        package let kubeletEndpoint = Total<DaemonEndpoint>("kubeletEndpoint", "The agent's HTTPS port.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A port of a daemon.
package struct DaemonEndpoint: APIValue {
    package final class Fields: FieldSet {
        package let port = Total<Int32>("Port", "The port.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// An image that a node has.
package struct ContainerImage: APIValue {
    package final class Fields: FieldSet {
        package let names = Total<[String]>("names", "Names of it.", .atomic)
        package let sizeBytes = Total<Int64>("sizeBytes", "Its size in bytes.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A volume attached to a node.
package struct AttachedVolume: APIValue {
    package final class Fields: FieldSet {
        package let devicePath = Total<String>("devicePath", "Where it is attached.", .required)
        package let name = Total<String>("name", "Name of the volume.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a node's runtime can do.
package struct NodeFeatures: APIValue {
    package final class Fields: FieldSet {
        package let supplementalGroupsPolicy = Key<Bool>(
            "supplementalGroupsPolicy", "It knows supplementalGroupsPolicy.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A runtime handler of a node.
package struct NodeRuntimeHandler: APIValue {
    package final class Fields: FieldSet {
        package let features = Key<NodeRuntimeHandlerFeatures>("features", "What it can do.")
        package let name = Key<String>("name", "Its name; empty: the default.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a runtime handler can do.
package struct NodeRuntimeHandlerFeatures: APIValue {
    package final class Fields: FieldSet {
        package let recursiveReadOnlyMounts = Key<Bool>(
            "recursiveReadOnlyMounts", "It can make mounts read-only with all below them.")
        package let userNamespaces = Key<Bool>("userNamespaces", "It can run pods in user namespaces.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// No longer used.
package struct NodeConfigStatus: APIValue {
    package final class Fields: FieldSet {
        package let active = Key<NodeConfigSource>("active", "No longer used.")
        package let assigned = Key<NodeConfigSource>("assigned", "No longer used.")
        package let error = Key<String>("error", "No longer used.")
        package let lastKnownGood = Key<NodeConfigSource>("lastKnownGood", "No longer used.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
