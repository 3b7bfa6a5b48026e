/// Who the runtime is.
package struct RuntimeVersion: Sendable, Hashable {
    package var name: String
    package var version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// What the runtime can do just now.
package struct RuntimeStatus: Sendable, Hashable {
    /// One thing that holds or does not: the reason is a word for programs, the message a sentence for people.
    package struct Condition: Sendable, Hashable {
        /// `RuntimeReady`, `NetworkReady`, or one of our own (`LimitsHeld`).
        package var type: String
        package var isTrue: Bool
        package var reason: String
        package var message: String

        package init(type: String, isTrue: Bool, reason: String = "", message: String = "") {
            self.type = type
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    package var conditions: [Condition]
    /// A mount can be made read-only with all that is mounted beneath it.
    package var mountsRecursivelyReadOnly: Bool
    /// Whether pods can have user namespaces of their own.
    package var hasUserNamespaces = false
    /// Whether containers can go without the groups that the image gives their user.
    package var hasStrictGroups = false

    package init(conditions: [Condition], mountsRecursivelyReadOnly: Bool = true) {
        self.conditions = conditions
        self.mountsRecursivelyReadOnly = mountsRecursivelyReadOnly
    }
}

/// What tells a sandbox from all others of the node.
package struct PodSandboxMetadata: Sendable, Hashable {
    package var name: String
    package var uid: String
    package var namespace: String
    /// Counts the sandboxes that this pod has had.
    package var attempt: UInt32

    package init(name: String, uid: String, namespace: String, attempt: UInt32 = 0) {
        self.name = name
        self.uid = uid
        self.namespace = namespace
        self.attempt = attempt
    }
}

/// Whose namespace of a kind a container is in.
package enum NamespaceMode: String, Sendable, Hashable {
    /// Of the pod's own.
    case pod
    /// Of the container's own (pid namespaces).
    case container
    /// The host's.
    case node
}

extension [String: String] {
    /// Whether all of `wanted` are here with the same values.
    package func carry(_ wanted: [String: String]) -> Bool {
        wanted.allSatisfy { self[$0.key] == $0.value }
    }
}

/// The group of pods, by their service class, that a sandbox's cgroup is made under: the CRI's `cgroup_parent`, of which Kubernetes uses these three.
package enum CgroupClass: String, Sendable, Hashable, CaseIterable {
    /// Directly under the group of all pods.
    case guaranteed
    case burstable
    case bestEffort = "besteffort"
}

/// A sandbox that is asked for.
package struct PodSandboxConfig: Sendable, Hashable {
    /// The lines of its resolv.conf.
    package struct DNS: Sendable, Hashable {
        package var servers: [String] = []
        package var searches: [String] = []
        package var options: [String] = []

        package init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
            self.servers = servers
            self.searches = searches
            self.options = options
        }
    }

    package var metadata: PodSandboxMetadata
    package var hostname = ""
    /// Where the containers' log files go.
    package var logDirectory = ""
    package var dns: DNS?
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var network = NamespaceMode.pod
    /// Without one a network namespace of its own has a loopback alone. Not in the CRI.
    package var hasLink = true
    package var pid = NamespaceMode.container
    package var ipc = NamespaceMode.pod
    /// A user namespace of its own; nil: the node's.
    package var users: PodUsers?
    /// Of its containers, unless they ask for others.
    package var selinux: SELinuxOptions?
    /// Kernel parameters of its namespaces, by names with dots.
    package var sysctls: [String: String] = [:]
    /// Ports of the node that lead to the pod; without meaning on the host's network.
    package var portMappings: [PortMapping] = []
    package var cgroupClass = CgroupClass.guaranteed
    /// A cgroup of somebody else's, from the top of the hierarchy, that the pod's is made under; empty: that of `cgroupClass`.
    package var cgroupParent = ""
    /// Bytes of its shared memory (/dev/shm); nil: 64 MiB. Not in the CRI.
    package var sharedMemory: Int64?
    /// Further lines of its hosts file. Not in the CRI.
    package var hosts: [HostEntry] = []
    /// Limits of the whole pod.
    package var resources = ContainerResources()

    package init(metadata: PodSandboxMetadata) {
        self.metadata = metadata
    }
}

/// A name in a hosts file.
package struct HostEntry: Sendable, Hashable {
    package var name: String
    package var address: String

    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// A port of the node that leads to one of a pod.
package struct PortMapping: Sendable, Hashable {
    /// `TCP`, `UDP` or `SCTP`.
    package var transport: String
    package var containerPort: UInt16
    package var hostPort: UInt16
    /// The node's address that the port is bound to; empty: all.
    package var hostAddress: String

    package init(transport: String, containerPort: UInt16, hostPort: UInt16, hostAddress: String = "") {
        self.transport = transport
        self.containerPort = containerPort
        self.hostPort = hostPort
        self.hostAddress = hostAddress
    }
}

extension PodSandboxStatus {
    /// On what is made for one session of a command line, and no kubelet's: the name of what runs in it.
    package static let sessionLabel = "swiftlet.dev/session"

    package var sessionName: String? { labels[Self.sessionLabel] }

    /// Beside it on what goes on without its command; says what becomes of it at its end.
    package static let detachedLabel = "swiftlet.dev/detached"
    package static let keptAtEnd = "kept"
    package static let removedAtEnd = "removed"

    /// Seconds that it has to end by itself, where that is said.
    package static let graceLabel = "swiftlet.dev/grace"

    package var sessionGrace: Duration? { labels[Self.graceLabel].flatMap { UInt32($0) }.map { .seconds($0) } }

    /// What it was asked for, so that it can be started again.
    package static let specAnnotation = "swiftlet.dev/run"

    /// On what its user has ended: nobody else starts it again.
    package static let stoppedLabel = "swiftlet.dev/stopped"

    package var isStopped: Bool { labels[Self.stoppedLabel] == "true" }
    package var isDetached: Bool { labels[Self.detachedLabel] != nil }
    package var isRemovedAtEnd: Bool { labels[Self.detachedLabel] == Self.removedAtEnd }
}

/// The CRI's states of a sandbox.
package enum PodSandboxState: String, Sendable, Hashable {
    case ready, notReady
}

/// A sandbox as it is.
package struct PodSandboxStatus: Sendable, Hashable {
    package var id: String
    package var metadata: PodSandboxMetadata
    package var state: PodSandboxState
    package var createdAt: UnixNanoseconds
    /// Empty for a pod on the host's network.
    package var addresses: [String]
    package var labels: [String: String]
    package var annotations: [String: String]
    /// What this host could not hold of what was asked (limits, capabilities), in sentences for an event.
    package var warnings: [String]
    package var network: NamespaceMode
    /// A process of the node that is in its namespaces; 0 where none is known.
    package var processID: Int32 = 0
    package var pid = NamespaceMode.container
    package var ipc = NamespaceMode.pod
    package var users: PodUsers?
    /// That it publishes. Not in the CRI.
    package var ports: [PortMapping] = []
    /// Nothing can be run in it any more, but its processes may live, and what it holds of the node is not given back. Not in the CRI.
    package var isLost = false

    /// Whether it has to be stopped before the pod is over.
    package var isHeld: Bool { state == .ready || isLost }

    package init(
        id: String, metadata: PodSandboxMetadata, state: PodSandboxState, createdAt: UnixNanoseconds,
        addresses: [String] = [], labels: [String: String] = [:], annotations: [String: String] = [:],
        warnings: [String] = [], network: NamespaceMode = .pod
    ) {
        self.id = id
        self.metadata = metadata
        self.state = state
        self.createdAt = createdAt
        self.addresses = addresses
        self.labels = labels
        self.annotations = annotations
        self.warnings = warnings
        self.network = network
    }
}

/// Nanoseconds since the Unix epoch, as the CRI gives times.
package typealias UnixNanoseconds = Int64

/// Which sandboxes to list: those that match all that is said.
package struct PodSandboxFilter: Sendable, Hashable {
    package var id: String?
    package var state: PodSandboxState?
    package var podUID: String?
    /// All of them with these values.
    package var labels: [String: String] = [:]

    package init(id: String? = nil, state: PodSandboxState? = nil, podUID: String? = nil) {
        self.id = id
        self.state = state
        self.podUID = podUID
    }
}
