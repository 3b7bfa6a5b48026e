/// What tells a container from the others of its sandbox.
package struct ContainerMetadata: Sendable, Hashable {
    package var name: String
    /// Counts the containers that this pod has had under this name.
    package var attempt: UInt32

    package init(name: String, attempt: UInt32 = 0) {
        self.name = name
        self.attempt = attempt
    }
}

/// A container that is asked for.
package struct ContainerConfig: Sendable, Hashable {
    package var metadata: ContainerMetadata
    /// The image's name as the pod gives it.
    package var image: String
    /// Which image that is, by the id that the image service gave it: its name may mean another by now. Nil: the one that has the name.
    package var imageID: String?
    /// Replaces the image's entry point where not empty.
    package var command: [String] = []
    /// Replaces the image's command where not empty.
    package var arguments: [String] = []
    /// Absolute; empty: the image's, or `/`.
    package var workingDirectory = ""
    /// In order; added to the image's own, later ones win.
    package var environment: [EnvironmentVariable] = []
    package var mounts: [Mount] = []
    /// Relative to the sandbox's log directory; empty: no log.
    package var logPath = ""
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// Whether its first process gets an input that clients can write to; with `standardInputOnce` that ends with the first of them.
    package var standardInput = false
    package var standardInputOnce = false
    package var terminal = false
    package var resources = ContainerResources()
    package var security = ContainerSecurity()
    /// Which processes it sees; nil: as the sandbox says.
    package var processNamespace: NamespaceMode?
    /// Devices of the host beside those that every container has.
    package var devices: [Device] = []
    /// Devices that files of the node describe, such as `vendor.com/class=device` (Container Device Interface).
    package var namedDevices: [String] = []
    /// The running container of the same sandbox whose processes this one sees (the CRI's NamespaceMode TARGET); nil: as the sandbox says.
    package var processTarget: String?
    /// Nil: the image's, or SIGTERM.
    package var stopSignal: String?
    /// A container that has ended, whose writable layer this one goes on with; nil: it gets one of its own. Not in the CRI.
    package var predecessor: String?
    /// Of each of its processes. Not in the CRI.
    package var processLimits: [ProcessLimit] = []

    package init(metadata: ContainerMetadata, image: String) {
        self.metadata = metadata
        self.image = image
    }
}

/// A device node of the host, or all those in a directory of its /dev.
package struct Device: Sendable, Hashable {
    package var hostPath: String
    package var containerPath: String
    /// Any of `r`, `w` and `m`.
    package var permissions: String

    package init(hostPath: String, containerPath: String, permissions: String = "rwm") {
        self.hostPath = hostPath
        self.containerPath = containerPath
        self.permissions = permissions
    }
}

/// What one process may use of something: setrlimit(2).
package struct ProcessLimit: Sendable, Hashable {
    /// The kernel's number, such as 7 for open files.
    package var resource: UInt32
    /// `UInt64.max` is none.
    package var soft: UInt64
    package var hard: UInt64

    package init(resource: UInt32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}

/// `NAME=value` of a process.
package struct EnvironmentVariable: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a container has at a path of its own: a file or directory of the host, an image, or an empty file system.
package struct Mount: Sendable, Hashable {
    /// Which way mounts made beneath it later pass between host and container.
    package enum Propagation: String, Sendable, Hashable {
        case `private`, hostToContainer, bidirectional
    }

    package var hostPath: String
    /// A path beneath `hostPath`, resolved so that no link leads out of it; empty: `hostPath` itself. Not in the CRI, where the kubelet
    /// resolves it; here the runtime does, by descriptor.
    package var subPath = ""
    package var containerPath: String
    package var isReadOnly: Bool
    package var propagation: Propagation
    /// Read-only with all that is mounted beneath.
    package var isRecursivelyReadOnly = false
    /// A `hostPath` that is missing becomes a directory; otherwise it is an error.
    package var isMadeWhereMissing = false
    /// Its files get the label of the container's, where it has one.
    package var isRelabelled = false
    /// That label is without categories then, so that other containers may use the files too. Not in the CRI.
    package var sharesLabel = false
    /// Whose numbers its files' owners are, on disk and in the pod alike; nil: the node's.
    package var users: PodUsers?
    /// An image whose files are mounted, read-only, in place of a path of the host; nil: none. `subPath` is then one within the image.
    package var image: String?
    /// Which image that is, by the id that the image service gave it; nil: the one that has the name. Always there once it is mounted.
    package var imageID: String?
    /// An empty file system in memory in place of a path of the host; nil: none. Not in the CRI.
    package var memory: MemoryVolume?

    package init(
        hostPath: String, containerPath: String, isReadOnly: Bool = false, propagation: Propagation = .private
    ) {
        self.hostPath = hostPath
        self.containerPath = containerPath
        self.isReadOnly = isReadOnly
        self.propagation = propagation
    }
}

/// A tmpfs of a container's own.
package struct MemoryVolume: Sendable, Hashable {
    /// As the kernel takes them, such as `size` and `mode`.
    package var options: [String: String]
    package var isExecutable: Bool

    package init(options: [String: String] = [:], isExecutable: Bool = false) {
        self.options = options
        self.isExecutable = isExecutable
    }
}

/// How far a container is confined.
package struct ContainerSecurity: Sendable, Hashable {
    package enum Seccomp: Sendable, Hashable {
        case runtimeDefault
        case unconfined
        /// A profile file on the node.
        case localhost(path: String)
    }

    package enum AppArmor: Sendable, Hashable {
        case runtimeDefault
        case unconfined
        /// A profile that is loaded on the node, by its name.
        case localhost(String)
    }

    /// All that the host can give: its capabilities and devices, and no profile.
    package var isPrivileged = false
    /// Names with or without `CAP_`, or `ALL`. Drops come before adds.
    package var addCapabilities: [String] = []
    package var dropCapabilities: [String] = []
    /// Nil: as `userName` says.
    package var user: Int64?
    /// A user that the image's /etc/passwd knows, where `user` is nil; empty: the image's own.
    package var userName = ""
    package var group: Int64?
    /// A group that the image's /etc/group knows, where `group` is nil; empty: the user's own.
    package var groupName = ""
    package var supplementalGroups: [Int64] = []
    /// Those that the image's /etc/group knows, or numbers. Not in the CRI.
    package var supplementalGroupNames: [String] = []
    /// Leave out the groups that the image gives its user (`supplementalGroupsPolicy: Strict`).
    package var hasStrictGroups = false
    /// Capabilities that are kept over an exec as a user other than root.
    package var ambientCapabilities: [String] = []
    /// Paths that are hidden, and that cannot be written; nil: the runtime's own lists.
    package var maskedPaths: [String]?
    package var readOnlyPaths: [String]?
    package var hasReadOnlyRoot = false
    package var noNewPrivileges = false
    package var seccomp = Seccomp.runtimeDefault
    /// Nil where nothing is said.
    package var appArmor: AppArmor?
    /// Nil: the sandbox's.
    package var selinux: SELinuxOptions?
    /// No SELinux label, whatever the sandbox and the node say. Not in the CRI.
    package var isUnlabelled = false
    /// Refuse to start as user 0.
    package var mustRunAsNonRoot = false
    /// Leave /proc as it is (`procMount: Unmasked`).
    package var isProcUnmasked = false

    package init() {}
}

extension ContainerSecurity {
    /// A number or a name, with a group where it has `:`.
    package mutating func take(user text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if let number = Int64(parts[0]) { user = number } else { userName = String(parts[0]) }
        guard parts.count > 1 else { return }
        if let number = Int64(parts[1]) { group = number } else { groupName = String(parts[1]) }
    }
}

/// The CRI's states of a container.
package enum ContainerState: String, Sendable, Hashable {
    case created, running, exited, unknown
}

/// A container as it is.
package struct ContainerStatus: Sendable, Hashable {
    package var id: String
    package var sandbox: String
    package var metadata: ContainerMetadata
    package var state: ContainerState
    package var createdAt: UnixNanoseconds
    /// Zero where it has not started.
    package var startedAt: UnixNanoseconds = 0
    /// Zero where it has not ended.
    package var finishedAt: UnixNanoseconds = 0
    /// 0...255; 128 + n where signal n ended it.
    package var exitCode: Int32 = 0
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    package var reason = ""
    package var message = ""
    package var image: String
    /// The id that the image service gives its image.
    package var imageID: String
    /// The image by a digest that its registry knows, or its id.
    package var imageReference: String
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// Absolute.
    package var logPath = ""
    /// Of its first process, in the node's pid namespace; 0 where none is known.
    package var processID: Int32 = 0
    /// What this host could not hold of what was asked (limits, OOM score), in sentences for an event.
    package var warnings: [String] = []
    package var mounts: [Mount] = []
    /// As they were last set.
    package var resources = ContainerResources()
    /// Whom the first process runs as; nil where that is not known.
    package var user: ContainerUser?
    /// As the CRI writes it, such as `SIGTERM`.
    package var stopSignal = ""
    /// Whether its first process has a terminal, and an input that others can write to. Not in the CRI.
    package var hasTerminal = false
    package var hasInput = false
    /// What it executes, or the beginning of that. Not in the CRI.
    package var command: [String] = []

    package init(
        id: String, sandbox: String, metadata: ContainerMetadata, state: ContainerState, createdAt: UnixNanoseconds,
        image: String, imageID: String
    ) {
        self.id = id
        self.sandbox = sandbox
        self.metadata = metadata
        self.state = state
        self.createdAt = createdAt
        self.image = image
        self.imageID = imageID
        imageReference = imageID
    }
}

/// Whom a process runs as, by the container's numbers.
package struct ContainerUser: Sendable, Hashable {
    package var userID: UInt32
    package var groupID: UInt32
    package var supplementaryGroups: [UInt32]

    package init(userID: UInt32, groupID: UInt32, supplementaryGroups: [UInt32]) {
        self.userID = userID
        self.groupID = groupID
        self.supplementaryGroups = supplementaryGroups
    }
}

/// Which containers to list: those that match all that is said.
package struct ContainerFilter: Sendable, Hashable {
    package var id: String?
    package var sandbox: String?
    package var state: ContainerState?
    /// All of them with these values.
    package var labels: [String: String] = [:]

    package init(id: String? = nil, sandbox: String? = nil, state: ContainerState? = nil) {
        self.id = id
        self.sandbox = sandbox
        self.state = state
    }
}

/// A change of a container or sandbox.
package struct ContainerEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case created, started, stopped, deleted }
    package var kind: Kind
    /// The container's id, or the sandbox's own for an event of the sandbox (its monitor died).
    package var container: String
    package var sandbox: String
    package var podUID: String
    package var time: UnixNanoseconds

    package init(kind: Kind, container: String, sandbox: String, podUID: String, time: UnixNanoseconds) {
        self.kind = kind
        self.container = container
        self.sandbox = sandbox
        self.podUID = podUID
        self.time = time
    }
}
