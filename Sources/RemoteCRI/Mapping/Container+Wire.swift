import CRI
import Protobuf

extension ContainerMetadata {
    init(_ wire: Message<Wire.ContainerMetadata>) {
        self.init(name: wire.name, attempt: wire.attempt)
    }

    var wire: Message<Wire.ContainerMetadata> {
        Message {
            $0.name = name
            $0.attempt = attempt
        }
    }
}

extension ContainerConfig {
    init(_ wire: Message<Wire.ContainerConfig>?) throws(CRIError) {
        guard let wire, let metadata = wire.metadata, !metadata.name.isEmpty else {
            throw .invalid("the container's config has no metadata with a name")
        }
        guard let image = wire.image?.image.nonEmpty else {
            throw .invalid("container \(metadata.name): the config names no image")
        }
        self.init(metadata: ContainerMetadata(metadata), image: wire.image?.name ?? image)
        imageID = wire.image?.id
        command = wire.command
        arguments = wire.args
        workingDirectory = wire.workingDir
        environment = wire.envs.map { EnvironmentVariable($0.key, $0.value) }
        for mount in wire.mounts { mounts.append(try Mount(mount)) }
        devices = wire.devices.map {
            Device(hostPath: $0.hostPath, containerPath: $0.containerPath, permissions: $0.permissions)
        }
        namedDevices = wire.cdiDevices.map(\.name)
        labels = wire.labels
        annotations = wire.annotations
        logPath = wire.logPath
        standardInput = wire.stdin
        standardInputOnce = wire.stdinOnce
        terminal = wire.tty
        stopSignal = wire.stopSignal.name.nonEmpty
        resources = ContainerResources(wire.linux?.resources ?? Message())
        security = try ContainerSecurity(wire.linux?.securityContext ?? Message())
        try apply(wire.linux?.securityContext?.namespaceOptions)
    }

    private mutating func apply(_ namespaces: Message<Wire.NamespaceOption>?) throws(CRIError) {
        switch namespaces?.pid {
        case nil: return
        case .pod: processNamespace = .pod
        case .container: processNamespace = .container
        case .node: processNamespace = .node
        case .target:
            guard let target = namespaces?.targetID.nonEmpty else {
                throw .invalid("container \(metadata.name): namespace mode TARGET needs a target_id")
            }
            processTarget = target
        }
    }

    /// - Parameter sandbox: the config that its sandbox was made by.
    func wire(in sandbox: PodSandboxConfig) -> Message<Wire.ContainerConfig> {
        Message { config in
            config.metadata = metadata.wire
            config.image = Message(image: image, id: imageID)
            config.command = command
            config.args = arguments
            config.workingDir = workingDirectory
            config.envs = environment.map { variable in
                Message {
                    $0.key = variable.name
                    $0.value = variable.value
                }
            }
            config.mounts = mounts.map { mount in
                var wire = mount.wire
                wire.image = mount.image.map { Message(image: $0, id: mount.imageID) }
                return wire
            }
            config.devices = devices.map { device in
                Message {
                    $0.hostPath = device.hostPath
                    $0.containerPath = device.containerPath
                    $0.permissions = device.permissions
                }
            }
            config.cdiDevices = namedDevices.map { name in Message { $0.name = name } }
            config.labels = labels
            config.annotations = annotations
            config.logPath = logPath
            config.stdin = standardInput
            config.stdinOnce = standardInputOnce
            config.tty = terminal
            config.stopSignal = Wire.Signal(name: stopSignal ?? "")
            config.linux = Message { linux in
                linux.resources = resources.wire
                linux.securityContext = security.wire(sandbox.namespaces(target: processTarget))
            }
        }
    }
}

extension Message<Wire.ImageSpec> {
    /// Asks for an image by its id where that is known: the name is then for people alone.
    fileprivate init(image: String, id: String?) {
        self.init {
            $0.image = id ?? image
            $0.userSpecifiedImage = image
        }
    }

    /// As its user wrote it.
    fileprivate var name: String? { self.userSpecifiedImage.nonEmpty ?? self.image.nonEmpty }

    /// Which image it is, where that is said beside the name.
    fileprivate var id: String? { self.image == name ? nil : self.image.nonEmpty }
}

// MARK: Mounts

extension Mount {
    init(_ wire: Message<Wire.Mount>) throws(CRIError) {
        let path = wire.containerPath
        guard !path.isEmpty else { throw .invalid("a mount has no container_path") }
        guard !wire.recursiveReadOnly || wire.readonly && wire.propagation == .private else {
            throw .invalid("mount \(path): recursive_read_only needs readonly and private propagation")
        }
        guard wire.image == nil || wire.hostPath.isEmpty else {
            throw .invalid("mount \(path): it names an image and a host_path")
        }
        guard wire.image == nil || wire.readonly else {
            throw .invalid("mount \(path): an image can be mounted read-only alone; set readonly")
        }
        guard wire.image == nil || wire.propagation == .private else {
            throw .invalid("mount \(path): an image has private propagation alone")
        }
        let propagation: Propagation =
            switch wire.propagation {
            case .private: .private
            case .hostToContainer: .hostToContainer
            case .bidirectional: .bidirectional
            }
        self.init(
            hostPath: wire.hostPath, containerPath: path, isReadOnly: wire.readonly, propagation: propagation)
        isRecursivelyReadOnly = wire.recursiveReadOnly
        isRelabelled = wire.selinuxRelabel
        if !wire.uidMappings.isEmpty || !wire.gidMappings.isEmpty {
            users = PodUsers(
                users: try PodUsers.Range(wire.uidMappings, "mount \(path): uidMappings"),
                groups: try PodUsers.Range(wire.gidMappings, "mount \(path): gidMappings"))
        }
        image = wire.image?.name
        imageID = wire.image?.imageRef.nonEmpty ?? wire.image?.id
        subPath = wire.imageSubPath
    }

    /// `subPath` is the caller's to resolve: the CRI knows none within volumes.
    var wire: Message<Wire.Mount> {
        Message { mount in
            mount.containerPath = containerPath
            mount.hostPath = hostPath
            mount.readonly = isReadOnly
            mount.recursiveReadOnly = isRecursivelyReadOnly
            mount.selinuxRelabel = isRelabelled
            mount.uidMappings = users.map { [$0.users.wire] } ?? []
            mount.gidMappings = users.map { [$0.groups.wire] } ?? []
            mount.image = image.map { image in
                Message {
                    $0.image = image
                    $0.imageRef = imageID ?? ""
                }
            }
            mount.imageSubPath = image == nil ? "" : subPath
            mount.propagation =
                switch propagation {
                case .private: .private
                case .hostToContainer: .hostToContainer
                case .bidirectional: .bidirectional
                }
        }
    }
}

// MARK: Filters and states

extension ContainerState {
    init(_ wire: Wire.ContainerState) {
        self =
            switch wire {
            case .created: .created
            case .running: .running
            case .exited: .exited
            case .unknown: .unknown
            }
    }

    var wire: Wire.ContainerState {
        switch self {
        case .created: .created
        case .running: .running
        case .exited: .exited
        case .unknown: .unknown
        }
    }
}

extension ContainerFilter {
    init(_ wire: Message<Wire.ContainerFilter>?) {
        self.init(
            id: wire?.id.nonEmpty, sandbox: wire?.podSandboxID.nonEmpty,
            state: (wire?.state).map { ContainerState($0.state) })
        labels = wire?.labelSelector ?? [:]
    }

    var wire: Message<Wire.ContainerFilter> {
        Message { filter in
            filter.id = id ?? ""
            filter.podSandboxID = sandbox ?? ""
            filter.state = state.map { state in Message { $0.state = state.wire } }
            filter.labelSelector = labels
        }
    }
}
