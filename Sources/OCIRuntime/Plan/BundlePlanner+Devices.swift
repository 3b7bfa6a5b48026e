import CLaunch
import Glibc
import Launch
import OCISpecification

extension BundlePlanner {
    /// Every container has these.
    static let standardDevices: [(name: String, minor: UInt32, major: UInt32)] = [
        ("null", 3, 1), ("zero", 5, 1), ("full", 7, 1), ("random", 8, 1), ("urandom", 9, 1), ("tty", 0, 5),
    ]

    func addDevices(to plan: inout BundlePlan) throws(OCIRuntimeError) {
        // Somebody else's /dev is left as it is.
        let isForeign = plan.mounts.contains { mount in
            if case .bind = mount.source { mount.target == "/dev" || mount.target == "/dev/" } else { false }
        }
        plan.hasDeviceLinks = !isForeign
        var nodes: [DeviceNode] = []
        if !isForeign {
            for (name, minor, major) in BundlePlanner.standardDevices {
                nodes.append(DeviceNode(path: "/dev/" + name, kind: .character, major: major, minor: minor))
            }
        }
        for device in specification.linux.devices {
            nodes.removeAll { $0.path == device.path }
            nodes.append(BundlePlanner.node(device))
        }
        // Who may make no nodes gets the host's.
        if facts.canMakeNodes && specification.linux.namespace("user") == nil {
            plan.devices = nodes
            return
        }
        for node in nodes where node.kind != .pipe {
            var mount = BundleMount(.bind(node.path, recursive: false), at: node.path)
            mount.field = "linux.devices"
            mount.targetHasNoLinks = true
            plan.mounts.append(mount)
        }
        plan.devices = nodes.filter { $0.kind == .pipe }
    }

    private static func node(_ device: LinuxSpecification.Device) -> DeviceNode {
        let kind: DeviceNode.Kind =
            switch device.type {
            case "b": .block
            case "p": .pipe
            default: .character
            }
        return DeviceNode(
            path: device.path, kind: kind, major: device.major, minor: device.minor,
            mode: (device.mode ?? 0o666) & 0o7777, userID: device.userID ?? 0, groupID: device.groupID ?? 0)
    }
}

/// What the device program lets through.
enum DeviceDecision {
    /// The bundle's rules in their order, then what every container may use, as runc has it. Nil where all is allowed.
    static func rules(_ rules: [ResourceSpecification.DeviceRule]) -> [DeviceRule]? {
        var list: [DeviceRule] = []
        for rule in rules {
            let planned = planned(rule)
            // All or nothing makes what was said before meaningless.
            if planned.kind == .any && planned.major == nil && planned.minor == nil && planned.access == .all {
                list.removeAll()
                if !planned.allows { continue }
            }
            list.append(planned)
        }
        if list.count == 1, list[0].kind == .any, list[0].allows, list[0].access == .all, list[0].major == nil {
            return nil
        }
        return list + DeviceRule.standard
    }

    private static func planned(_ rule: ResourceSpecification.DeviceRule) -> DeviceRule {
        var access: DeviceRule.Access = []
        if rule.access.contains("r") { access.insert(.read) }
        if rule.access.contains("w") { access.insert(.write) }
        if rule.access.contains("m") { access.insert(.makeNode) }
        let kind: DeviceRule.Kind = rule.type == "b" ? .block : rule.type == "c" ? .character : .any
        var planned = DeviceRule(
            kind, rule.major.map { UInt32(truncatingIfNeeded: $0) }, rule.minor.map { UInt32(truncatingIfNeeded: $0) },
            access)
        planned.allows = rule.allows
        return planned
    }
}

/// Kernel parameters that belong to a namespace of the container; others would be the host's.
enum KernelParameters {
    /// Names with slashes, in order.
    static func checked(_ linux: LinuxSpecification) throws(OCIRuntimeError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in linux.kernelParameters.sorted(by: { $0.key < $1.key }) {
            guard let path = Sysctl.path(name) else {
                throw .unsupported(field: "linux.sysctl", cause: "\"\(name)\" is no name of a kernel parameter")
            }
            guard path != "kernel/hostname" else {
                throw .unsupported(field: "linux.sysctl", cause: "\(name) is what the field hostname says")
            }
            guard let namespace = Sysctl.namespace(of: path)?.name else {
                throw .unsupported(
                    field: "linux.sysctl", cause: "\(name) belongs to no namespace: it would be the host's")
            }
            guard linux.namespace(namespace) != nil else {
                throw .unsupported(
                    field: "linux.sysctl", cause: "\(name) needs a \(namespace) namespace in linux.namespaces")
            }
            pairs.append((path, value))
        }
        return pairs
    }
}
