import CRI
import Protobuf

// MARK: Metadata

extension PodSandboxMetadata {
    init(_ wire: Message<Wire.PodSandboxMetadata>) {
        self.init(name: wire.name, uid: wire.uid, namespace: wire.namespace, attempt: wire.attempt)
    }

    var wire: Message<Wire.PodSandboxMetadata> {
        Message {
            $0.name = name
            $0.uid = uid
            $0.namespace = namespace
            $0.attempt = attempt
        }
    }
}

// MARK: What a sandbox is asked to be

extension PodSandboxConfig {
    init(_ wire: Message<Wire.PodSandboxConfig>?) throws(CRIError) {
        guard let wire, let metadata = wire.metadata else { throw .invalid("the sandbox's config has no metadata") }
        self.init(metadata: PodSandboxMetadata(metadata))
        guard !metadata.name.isEmpty else { throw .invalid("the sandbox's metadata has no name") }
        hostname = wire.hostname
        logDirectory = wire.logDirectory
        labels = wire.labels
        annotations = wire.annotations
        dns = wire.dnsConfig.map { DNS(servers: $0.servers, searches: $0.searches, options: $0.options) }
        for mapping in wire.portMappings {
            if let mapping = try PortMapping(mapping) { portMappings.append(mapping) }
        }
        try apply(wire.linux)
    }

    private mutating func apply(_ linux: Message<Wire.LinuxPodSandboxConfig>?) throws(CRIError) {
        let security = linux?.securityContext
        guard security?.runAsGroup == nil || security?.runAsUser != nil else {
            throw .invalid("run_as_group of a sandbox needs run_as_user")
        }
        cgroupParent = linux?.cgroupParent ?? ""
        sysctls = linux?.sysctls ?? [:]
        selinux = security?.selinuxOptions.flatMap(SELinuxOptions.init)
        if let resources = linux?.resources { self.resources = ContainerResources(resources) }
        // The CRI's default is to share processes, though Kubernetes' is not.
        let namespaces = security?.namespaceOptions ?? Message()
        network = try NamespaceMode(namespaces.network, "network", allowed: [.pod, .node])
        pid = try NamespaceMode(namespaces.pid, "pid", allowed: [.pod, .container, .node])
        ipc = try NamespaceMode(namespaces.ipc, "ipc", allowed: [.pod, .node])
        if let options = namespaces.usernsOptions { users = try PodUsers(options) }
    }

    var wire: Message<Wire.PodSandboxConfig> {
        Message { config in
            config.metadata = metadata.wire
            config.hostname = network == .node ? "" : hostname
            config.logDirectory = logDirectory
            config.labels = labels
            config.annotations = annotations
            config.dnsConfig = dns.map { dns in
                Message {
                    $0.servers = dns.servers
                    $0.searches = dns.searches
                    $0.options = dns.options
                }
            }
            config.portMappings = portMappings.map(\.wire)
            config.linux = Message { linux in
                linux.cgroupParent = cgroupParent
                linux.sysctls = sysctls
                linux.resources = resources.wire
                linux.securityContext = Message {
                    $0.namespaceOptions = namespaces(target: nil)
                    $0.selinuxOptions = selinux?.wire
                }
            }
        }
    }

    /// Of the sandbox, or of a container in it that sees the processes of `target`.
    func namespaces(target: String?) -> Message<Wire.NamespaceOption> {
        Message {
            $0.network = network.wire
            $0.pid = target == nil ? pid.wire : .target
            $0.ipc = ipc.wire
            $0.targetID = target ?? ""
            $0.usernsOptions = users?.wire
        }
    }
}

extension NamespaceMode {
    init(_ wire: Wire.NamespaceMode, _ name: String, allowed: [NamespaceMode]) throws(CRIError) {
        let mode: NamespaceMode? =
            switch wire {
            case .pod: .pod
            case .container: .container
            case .node: .node
            case .target: nil
            }
        guard let mode, allowed.contains(mode) else {
            let names = allowed.map { $0.rawValue.uppercased() }.joined(separator: " or ")
            throw .invalid("the \(name) namespace of a sandbox must be \(names)")
        }
        self = mode
    }

    var wire: Wire.NamespaceMode {
        switch self {
        case .pod: .pod
        case .container: .container
        case .node: .node
        }
    }
}

extension PortMapping {
    /// nil for one that asks for no port of the node.
    init?(_ wire: Message<Wire.PortMapping>) throws(CRIError) {
        if wire.hostPort == 0 { return nil }
        guard let host = UInt16(exactly: wire.hostPort), let container = UInt16(exactly: wire.containerPort),
            container > 0
        else {
            throw .invalid("port mapping \(wire.hostPort) to \(wire.containerPort): ports are from 1 to 65535")
        }
        let transport =
            switch wire.protocol {
            case .tcp: "TCP"
            case .udp: "UDP"
            case .sctp: "SCTP"
            }
        self.init(transport: transport, containerPort: container, hostPort: host, hostAddress: wire.hostIP)
    }

    var wire: Message<Wire.PortMapping> {
        Message {
            $0.protocol = transport == "UDP" ? .udp : transport == "SCTP" ? .sctp : .tcp
            $0.containerPort = Int32(containerPort)
            $0.hostPort = Int32(hostPort)
            $0.hostIP = hostAddress
        }
    }
}

// MARK: What a sandbox is

extension PodSandboxState {
    init(_ wire: Wire.PodSandboxState) {
        self = wire == .ready ? .ready : .notReady
    }

    var wire: Wire.PodSandboxState { self == .ready ? .ready : .notReady }
}

extension PodSandboxStatus {
    /// As a list has it: without addresses.
    init(_ wire: Message<Wire.PodSandbox>) throws(CRIError) {
        guard let metadata = wire.metadata else { throw .failed("sandbox \(wire.id) came without metadata") }
        self.init(
            id: wire.id, metadata: PodSandboxMetadata(metadata), state: PodSandboxState(wire.state),
            createdAt: wire.createdAt, labels: wire.labels, annotations: wire.annotations)
    }

    init(_ wire: Message<Wire.PodSandboxStatus>) throws(CRIError) {
        guard let metadata = wire.metadata else { throw .failed("sandbox \(wire.id) came without metadata") }
        let network = wire.network
        let addresses = [network?.ip ?? ""] + (network?.additionalIPs.map(\.ip) ?? [])
        let namespaces = wire.linux?.namespaces?.options
        self.init(
            id: wire.id, metadata: PodSandboxMetadata(metadata), state: PodSandboxState(wire.state),
            createdAt: wire.createdAt, addresses: addresses.filter { !$0.isEmpty }, labels: wire.labels,
            annotations: wire.annotations, network: namespaces?.network == .node ? .node : .pod)
        pid =
            namespaces.flatMap { try? NamespaceMode($0.pid, "pid", allowed: [.pod, .container, .node]) } ?? .container
        ipc = namespaces?.ipc == .node ? .node : .pod
        users = namespaces?.usernsOptions.flatMap { try? PodUsers($0) }
    }

    var listed: Message<Wire.PodSandbox> {
        Message {
            $0.id = id
            $0.metadata = metadata.wire
            $0.state = state.wire
            $0.createdAt = createdAt
            $0.labels = labels
            $0.annotations = annotations
        }
    }

    var wire: Message<Wire.PodSandboxStatus> {
        Message { status in
            status.id = id
            status.metadata = metadata.wire
            status.state = state.wire
            status.createdAt = createdAt
            status.labels = labels
            status.annotations = annotations
            status.network = Message { network in
                network.ip = addresses.first ?? ""
                network.additionalIPs = addresses.dropFirst().map { address in Message { $0.ip = address } }
            }
            status.linux = Message { linux in
                linux.namespaces = Message { namespaces in
                    namespaces.options = Message {
                        $0.network = network.wire
                        $0.pid = pid.wire
                        $0.ipc = ipc.wire
                        $0.usernsOptions = users?.wire
                    }
                }
            }
        }
    }
}

extension PodSandboxFilter {
    init(_ wire: Message<Wire.PodSandboxFilter>?) {
        self.init(id: wire?.id.nonEmpty, state: (wire?.state).map { PodSandboxState($0.state) })
        labels = wire?.labelSelector ?? [:]
    }

    var wire: Message<Wire.PodSandboxFilter> {
        Message { filter in
            filter.id = id ?? ""
            filter.state = state.map { state in Message { $0.state = state.wire } }
            filter.labelSelector = labels
        }
    }
}

extension String {
    /// nil where it is empty, which is how the CRI says that a text is not set.
    var nonEmpty: String? { isEmpty ? nil : self }
}
