import CRI
import Glibc
import Linux
import OCI

/// A network device that goes from the node to a container's pod.
struct NamedNetworkDevice: Sendable, Hashable {
    /// Container, device and file, for messages.
    var purpose: String
    var device: LinuxSpecification.NetworkDevice
}

/// What a container gets for the devices that it asks for by name, together.
struct DeviceEdits: Sendable {
    struct Source: Sendable {
        /// Container, device and file, for messages.
        var purpose: String
        var edits: ContainerEdits
    }

    private(set) var environment: [EnvironmentVariable] = []
    private(set) var mounts: [Linux.Mount] = []
    private(set) var devices: [DeviceDecision] = []
    private(set) var groups: [UInt32] = []
    private(set) var hooks: [NamedHook] = []
    private(set) var hostHooks: [HostHook] = []
    private(set) var networkDevices: [NamedNetworkDevice] = []

    init() {}

    /// - Parameters:
    ///   - identity: whose the nodes are where a file does not say.
    ///   - look: what a node of the host is, for what a file does not say.
    init(
        _ sources: [Source], identity: ProcessIdentity,
        look: (String) throws(KernelError) -> HostDevice = HostDevice.look
    ) throws(CRIError) {
        for source in sources {
            try Self.check(source)
            for entry in source.edits.environment {
                let name = entry.prefix { $0 != "=" }
                environment.append(EnvironmentVariable(String(name), String(entry.dropFirst(name.count + 1))))
            }
            for mount in source.edits.mounts { mounts.append(try Self.mount(mount, source.purpose)) }
            for node in source.edits.nodes {
                devices.append(try Self.device(node, identity, source.purpose, look))
            }
            groups += source.edits.groups
            for hook in source.edits.hooks { try add(hook, source.purpose) }
            for device in source.edits.networkDevices { try add(device, source.purpose) }
        }
    }

    private static func check(_ source: Source) throws(CRIError) {
        guard source.edits.hasIntelRDT else { return }
        throw .unsupported(
            "\(source.purpose): it sets intelRdt, which this runtime does not do; take it out of the file")
    }

    private mutating func add(
        _ device: LinuxSpecification.NetworkDevice, _ purpose: String
    ) throws(CRIError) {
        let twin = networkDevices.first { $0.device.hostName == device.hostName || $0.device.name == device.name }
        if let twin {
            throw .invalid(
                "\(purpose): network device \(device.hostName) as \(device.name): "
                    + "\(twin.purpose) moves \(twin.device.hostName) as \(twin.device.name)")
        }
        networkDevices.append(NamedNetworkDevice(purpose: purpose, device: device))
    }

    private mutating func add(_ hook: ContainerEdits.Hook, _ purpose: String) throws(CRIError) {
        let name = "\(hook.station) hook \(hook.program.path) of \(purpose)"
        let program = hook.program
        if let station = HostHook.Station(rawValue: hook.station) {
            hostHooks.append(
                HostHook(
                    station: station, name: name, path: program.path,
                    arguments: program.arguments.isEmpty ? [program.path] : program.arguments,
                    environment: program.environment ?? ContainerPlan.hostEnvironment, timeout: program.timeout))
            return
        }
        let station: LaunchHook.Station
        switch hook.station {
        case "createContainer": station = .createContainer
        case "startContainer": station = .startContainer
        default: throw .unsupported("\(name): no such station is known")
        }
        hooks.append(
            NamedHook(
                name: name,
                hook: LaunchHook(
                    station, path: program.path, arguments: program.arguments, environment: program.environment,
                    timeout: program.timeout)))
    }

    private static func device(
        _ node: ContainerEdits.Node, _ identity: ProcessIdentity, _ purpose: String,
        _ look: (String) throws(KernelError) -> HostDevice
    ) throws(CRIError) -> DeviceDecision {
        guard DeviceDecision.isBeneathDev(node.path) else {
            throw .invalid("\(purpose): \(node.path) is not beneath /dev")
        }
        guard node.type != "p" else { throw .unsupported("\(purpose): \(node.path) is a pipe, and no device") }
        var found: HostDevice
        if let type = node.type, let major = node.major, major > 0 {
            found = HostDevice(
                path: node.path, isBlock: type == "b", major: major, minor: node.minor ?? 0, mode: 0, userID: 0,
                groupID: 0)
        } else {
            found = try attempt(purpose) { () throws(KernelError) in try look(node.hostPath ?? node.path) }
            guard node.type.map({ ($0 == "b") == found.isBlock }) ?? true else {
                throw .invalid("\(purpose): \(node.path) is of another type than the node on the host")
            }
        }
        found.mode = node.mode ?? 0o666
        found.userID = node.userID ?? identity.userID
        found.groupID = node.groupID ?? identity.groupID
        return DeviceDecision(found, at: node.path, try DeviceDecision.access(node.permissions, purpose))
    }

    private static func mount(_ mount: ContainerEdits.Mount, _ purpose: String) throws(CRIError) -> Linux.Mount {
        guard ["", "bind", "none"].contains(mount.type) else {
            throw .unsupported(
                "\(purpose): a mount of type \(mount.type) at \(mount.containerPath); bind alone is known")
        }
        var result = Linux.Mount(.path(mount.hostPath), at: mount.containerPath)
        for option in mount.options {
            switch option {
            case "ro": result.flags.insert(.readOnly)
            case "nosuid": result.flags.insert(.noSetUID)
            case "nodev": result.flags.insert(.noDevices)
            case "noexec": result.flags.insert(.noExecute)
            case "rbind": result.flags.insert(.recursive)
            case "bind", "rw", "suid", "dev", "exec", "private", "rprivate": break
            case "slave", "rslave": result.propagation = .fromHost
            case "shared", "rshared": result.propagation = .bidirectional
            default:
                throw .unsupported("\(purpose): option \(option) of the mount at \(mount.containerPath) is not known")
            }
        }
        return result
    }
}

extension HostDevice {
    /// Blocks.
    static func look(_ path: String) throws(KernelError) -> HostDevice {
        let (parent, name) = DeviceDecision.split(path)
        guard let device = HostDevice(try OpenDirectory(parent).status(of: FilePath(name)), path: path) else {
            throw KernelError("open device", path, ENODEV)
        }
        return device
    }
}
