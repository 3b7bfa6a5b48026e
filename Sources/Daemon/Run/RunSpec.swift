import CRI
import JSONTree
import Kubelet

/// What `swiftlet run` asks for: one container without Kubernetes.
package struct RunSpec: Sendable, Hashable {
    package enum Network: String, Sendable, Hashable, CaseIterable {
        /// An address of its own, as a pod has.
        case pod
        /// The machine's.
        case host
        /// None but its own loopback.
        case none
    }

    package var name: String
    package var image: String
    /// Replaces the image's entry point where not empty.
    package var entryPoint: [String] = []
    /// Replaces the image's command where not empty.
    package var command: [String] = []
    package var environment: [EnvironmentVariable] = []
    package var mounts: [CRI.Mount] = []
    package var ports: [PortMapping] = []
    package var network = Network.pod
    package var hostname = ""
    package var workingDirectory = ""
    /// A number or a name, with a group where it has `:`; empty: the image's.
    package var user = ""
    /// Groups beside the user's own, names or numbers.
    package var groups: [String] = []
    package var resources = ContainerResources()
    package var processLimits: [ProcessLimit] = []
    /// Bytes; nil: as all.
    package var sharedMemory: Int64?
    package var hasInput = false
    package var hasTerminal = false
    /// Of the caller's terminal, where it has one.
    package var terminalSize: TerminalSize?
    package var hasReadOnlyRoot = false
    package var confinement = RunConfinement()
    package var devices: [Device] = []
    /// By the names that files of the node give them.
    package var namedDevices: [String] = []
    package var sysctls: [String: String] = [:]
    /// What is empty is as the machine has it.
    package var dns = PodSandboxConfig.DNS()
    /// Names that it knows. An address may be `host-gateway`: that by which it reaches this machine.
    package var hosts: [HostEntry] = []
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// Which processes it sees. With `pod`, number 1 is one that only collects those that nobody else does.
    package var processes = NamespaceMode.container
    /// Whose shared memory and semaphores it uses.
    package var ipc = NamespaceMode.pod
    /// A name or number; nil: the image's.
    package var stopSignal: String?
    /// Seconds that it has to end by itself; nil: as all.
    package var grace: UInt32?
    /// It goes on without the command that started it, and stays when it has ended, until it is removed or the machine boots.
    package var isDetached = false
    /// Where it is detached: it goes when it ends.
    package var isRemovedAtEnd = false
    /// Where it is detached and stays: when it is started again at its end.
    package var restart = RestartPolicy.no

    package init(name: String, image: String) {
        self.name = name
        self.image = image
    }

    // MARK: As the runtime is asked

    /// - Parameters:
    ///   - uid: one that no other has.
    ///   - logs: where those of a detached container go, whose words nobody hears.
    ///   - resolver: the machine's resolv.conf.
    ///   - gateway: the machine's address among its pods.
    func sandbox(uid: String, logs: String, resolver: String = "", gateway: String = "") -> PodSandboxConfig {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: name, uid: uid, namespace: Self.namespace))
        config.hostname = hostname.isEmpty ? String(name.prefix(63)) : hostname
        config.labels = [PodSandboxStatus.sessionLabel: name]
        if isDetached {
            config.labels[PodSandboxStatus.detachedLabel] =
                isRemovedAtEnd ? PodSandboxStatus.removedAtEnd : PodSandboxStatus.keptAtEnd
            config.annotations[PodSandboxStatus.specAnnotation] = String(decoding: json.encoded(), as: UTF8.self)
            config.logDirectory = logs
        }
        if let grace { config.labels[PodSandboxStatus.graceLabel] = String(grace) }
        config.network = network == .host ? .node : .pod
        config.hasLink = network == .pod
        config.portMappings = ports
        (config.pid, config.ipc, config.sysctls) = (processes, ipc, sysctls)
        config.sharedMemory = sharedMemory
        config.hosts = hosts.map { entry in
            let machine = network == .host ? "127.0.0.1" : gateway
            return entry.address == "host-gateway" ? HostEntry(name: entry.name, address: machine) : entry
        }
        if dns != PodSandboxConfig.DNS() {
            let machine = ResolverConfiguration(resolver)
            config.dns = PodSandboxConfig.DNS(
                servers: dns.servers.isEmpty ? machine.servers : dns.servers,
                searches: dns.searches.isEmpty ? machine.searches : dns.searches.filter { $0 != "." },
                options: dns.options.isEmpty ? machine.options : dns.options)
        }
        return config
    }

    func container() -> ContainerConfig {
        var config = ContainerConfig(metadata: ContainerMetadata(name: name), image: image)
        config.command = entryPoint
        config.arguments = command
        config.workingDirectory = workingDirectory
        config.environment = environment
        config.mounts = mounts
        config.labels = labels.merging([PodSandboxStatus.sessionLabel: name]) { $1 }
        config.annotations = annotations
        config.standardInput = hasInput
        // What a detached container reads comes from nobody, and does not end.
        config.standardInputOnce = hasInput && !isDetached
        if isDetached { config.logPath = Self.logName }
        config.terminal = hasTerminal
        config.resources = resources
        config.processLimits = processLimits
        (config.devices, config.namedDevices) = (devices, namedDevices)
        config.stopSignal = stopSignal
        config.security = confinement.security
        config.security.hasReadOnlyRoot = hasReadOnlyRoot
        config.security.supplementalGroupNames = groups
        if !user.isEmpty { config.security.take(user: user) }
        if hasTerminal && !environment.contains(where: { $0.name == "TERM" }) {
            config.environment.append(EnvironmentVariable("TERM", "xterm"))
        }
        return config
    }

    private static let logName = "log"

    /// The namespace that these containers are listed under, which no pod can have: it is no name of Kubernetes'.
    package static let namespace = "(run)"
}
