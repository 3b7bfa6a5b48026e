import CRI
import Glibc
import Linux

/// A device of the host that a container is given: its node, and what may be done with it.
struct DeviceDecision: Sendable, Equatable {
    var node: DeviceNode
    var rule: DeviceRule

    init(_ device: HostDevice, at path: String, _ access: DeviceRule.Access) {
        node = device.node
        node.path = path
        rule = DeviceRule(device.isBlock ? .block : .character, device.major, device.minor, access)
    }

    /// Whether a node of this path lies in the container's /dev. One with ".." is made somewhere else, or nowhere.
    static func isBeneathDev(_ path: String) -> Bool { path.hasPrefix("/dev/") && !path.pathComponents.contains("..") }

    /// Looks at the host's /dev. A directory stands for the devices directly in it.
    static func all(_ config: ContainerConfig) throws(CRIError) -> [DeviceDecision] {
        var found: [DeviceDecision] = []
        for device in config.devices {
            let object = "container \(config.metadata.name): device \(device.hostPath)"
            let access = try access(device.permissions, object)
            let target = device.containerPath.isEmpty ? device.hostPath : device.containerPath
            guard isBeneathDev(target) else { throw .invalid("\(object): \(target) is not beneath /dev") }
            try attempt(object) { () throws(KernelError) in
                let (parent, name) = split(device.hostPath)
                let directory = try OpenDirectory(parent)
                let status = try directory.status(of: FilePath(name))
                if let device = HostDevice(status, path: device.hostPath) {
                    found.append(DeviceDecision(device, at: target, access))
                } else if status.st_mode & S_IFMT == S_IFDIR {
                    found += try devices(in: device.hostPath, at: target, access)
                } else {
                    throw KernelError("open device", device.hostPath, ENODEV)
                }
            }
        }
        return found
    }

    private static func devices(
        in path: String, at target: String, _ access: DeviceRule.Access
    ) throws(KernelError) -> [DeviceDecision] {
        let directory = try OpenDirectory(path)
        var found: [DeviceDecision] = []
        for name in try directory.names() {
            guard let device = HostDevice(try directory.status(of: FilePath(name)), path: path + "/" + name) else {
                continue
            }
            found.append(DeviceDecision(device, at: target + "/" + name, access))
        }
        return found
    }

    static func split(_ path: String) -> (parent: String, name: String) {
        let parts = path.pathComponents
        return ("/" + parts.dropLast().joined(separator: "/"), parts.last ?? ".")
    }

    /// All where nothing is said.
    static func access(_ permissions: String, _ object: String) throws(CRIError) -> DeviceRule.Access {
        var access: DeviceRule.Access = []
        for letter in permissions {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.makeNode)
            default: throw .invalid("\(object): permissions \"\(permissions)\" are more than r, w and m")
            }
        }
        return permissions.isEmpty ? .all : access
    }
}

extension HostDevice {
    /// nil for what is no device.
    init?(_ status: stat, path: String) {
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFCHR || kind == S_IFBLK else { return nil }
        let (major, minor) = FileAttributes.deviceNumbers(UInt64(status.st_rdev))
        self.init(
            path: path, isBlock: kind == S_IFBLK, major: major, minor: minor, mode: status.st_mode & 0o777,
            userID: status.st_uid, groupID: status.st_gid)
    }
}
