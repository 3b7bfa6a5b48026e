import CRI

/// A network device that goes from the node to a pod.
struct GivenNetworkDevice: Sendable, Hashable {
    /// In the pod, as it was asked for.
    var name: String
    /// In the pod; nil: it is about to go, and where its daemon has died meanwhile nobody knows whether it went.
    var number: Int32?
    /// It went, and neither got all that it is to have nor could be taken back.
    var isUnfinished = false
}

/// What is kept of a sandbox on disk, so that any later daemon can adopt it or clean it away.
struct SandboxRecord: Sendable, Hashable {
    enum Phase: String, Sendable {
        /// Being made: nobody knows its id yet, so a new daemon removes it.
        case creating
        case ready
        /// Stopped, or its monitor died. Waits for its removal.
        case notReady
        /// Being made ready again: a new daemon stops it.
        case resuming
        /// Its removal has begun and must be finished.
        case removing
    }

    let id: String
    let metadata: PodSandboxMetadata
    var phase = Phase.creating
    /// The boot it was made in: after another nothing of it can run.
    let bootID: String
    let createdAt: UnixNanoseconds
    /// As its processes see it.
    var hostname: String
    var logDirectory: String
    var labels: [String: String]
    var annotations: [String: String]
    var network: NamespaceMode
    var pid: NamespaceMode
    var ipc: NamespaceMode
    /// Its own user namespace; nil: the host's.
    var users: PodUsers?
    /// Of its containers, unless they ask for others.
    var selinux: SELinuxOptions?
    /// Absolute path of the pod's cgroup.
    var cgroup: String
    /// What the pod asks of the CPUs, in thousandths: its part in the weight of its class.
    var cpuRequest: Int64
    var addresses: [String] = []
    /// That it publishes.
    let ports: [PortMapping]
    /// Whether the pod's files are in its memory, where a container that writes to them fills nothing of the host's. An older daemon's are not.
    var areFilesBounded = true
    var warnings: [String] = []
    /// Those of the node's that have gone to it, or are about to, by the names that they have on the node.
    var networkDevices: [String: GivenNetworkDevice] = [:]

    init(
        id: String, config: PodSandboxConfig, hostname: String, bootID: String, createdAt: UnixNanoseconds,
        cgroup: String
    ) {
        self.id = id
        metadata = config.metadata
        self.bootID = bootID
        self.createdAt = createdAt
        self.hostname = hostname
        logDirectory = config.logDirectory
        labels = config.labels
        annotations = config.annotations
        network = config.network
        pid = config.pid
        ipc = config.ipc
        users = config.users
        selinux = config.selinux
        ports = config.portMappings
        self.cgroup = cgroup
        cpuRequest = max(0, config.resources.cpuRequest ?? 0)
    }

    var status: PodSandboxStatus {
        var status = PodSandboxStatus(
            id: id, metadata: metadata, state: phase == .ready ? .ready : .notReady, createdAt: createdAt,
            addresses: addresses, labels: labels, annotations: annotations, warnings: warnings, network: network)
        status.pid = pid
        status.ipc = ipc
        status.users = users
        status.ports = ports
        return status
    }

    /// Empty: no log.
    func logPath(of config: ContainerConfig) -> String {
        config.logPath.isEmpty || logDirectory.isEmpty ? "" : logDirectory + "/" + config.logPath
    }
}
