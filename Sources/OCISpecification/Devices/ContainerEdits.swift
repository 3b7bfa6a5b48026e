/// What a container gets for a device.
package struct ContainerEdits: Sendable, Hashable {
    /// A device node.
    package struct Node: Sendable, Hashable {
        /// In the container.
        package var path: String
        /// On the host; nil: as in the container.
        package var hostPath: String?
        /// `b`, `c`, `u` or `p`; nil: as on the host.
        package var type: String?
        /// Nil: as on the host.
        package var major: UInt32?
        package var minor: UInt32?
        /// Permission bits.
        package var mode: UInt32?
        /// Any of `r`, `w` and `m`; empty: all.
        package var permissions: String
        package var userID: UInt32?
        package var groupID: UInt32?
    }

    /// A path of the host, with mount(8)'s options.
    package struct Mount: Sendable, Hashable {
        package var hostPath: String
        package var containerPath: String
        package var type: String
        package var options: [String]
    }

    /// A program that the runtime is to run.
    package struct Hook: Sendable, Hashable {
        /// When it runs, such as `createContainer`.
        package var station: String
        package var program: HookSpecifications.Hook
    }

    /// `NAME=value`.
    package var environment: [String] = []
    package var nodes: [Node] = []
    package var mounts: [Mount] = []
    package var groups: [UInt32] = []
    package var hooks: [Hook] = []
    package var hasIntelRDT = false
    package var networkDevices: [LinuxSpecification.NetworkDevice] = []

    package init() {}

    init(_ reader: SpecificationReader) throws(OCIError) {
        try reader.refuseOthers(
            than: ["env", "deviceNodes", "netDevices", "hooks", "mounts", "intelRdt", "additionalGids"])
        environment = try reader.strings("env") ?? []
        for (index, entry) in environment.enumerated()
        where entry.firstIndex(of: "=") ?? entry.startIndex == entry.startIndex {
            throw reader.failure("env[\(index)]", "\"\(entry)\" is no NAME=value")
        }
        for node in try reader.objects("deviceNodes") { nodes.append(try Node(node)) }
        for mount in try reader.objects("mounts") { mounts.append(try Mount(mount)) }
        for (index, number) in (try reader.integers("additionalGids") ?? []).enumerated() {
            guard let group = Int32(exactly: number), group >= 0 else {
                throw reader.failure("additionalGids[\(index)]", "it must be from 0 to 2147483647")
            }
            // Group 0 is passed over, as upstream does.
            if group > 0 { groups.append(UInt32(group)) }
        }
        for hook in try reader.objects("hooks") { hooks.append(try Hook(hook)) }
        hasIntelRDT = try reader.object("intelRdt") != nil
        for device in try reader.objects("netDevices") {
            networkDevices.append(try LinuxSpecification.NetworkDevice(device, besides: networkDevices))
        }
    }
}

extension ContainerEdits.Node {
    init(_ reader: SpecificationReader) throws(OCIError) {
        try reader.refuseOthers(
            than: ["path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid"])
        path = try reader.required("path")
        guard path.hasPrefix("/") else { throw reader.failure("path", "it must be an absolute path") }
        hostPath = try reader.string("hostPath").flatMap { $0.isEmpty ? nil : $0 }
        if let hostPath, !hostPath.hasPrefix("/") { throw reader.failure("hostPath", "it must be an absolute path") }
        type = try reader.choice("type", of: ["b", "c", "u", "p", ""]).flatMap { $0.isEmpty ? nil : $0 }
        major = try reader.number("major")
        minor = try reader.number("minor")
        mode = try (reader.number("fileMode") as UInt32?).map { $0 & 0o777 }
        permissions = try reader.string("permissions") ?? ""
        guard permissions.allSatisfy({ "rwm".contains($0) }) else {
            throw reader.failure("permissions", "\"\(permissions)\" are more than r, w and m")
        }
        userID = try reader.number("uid")
        groupID = try reader.number("gid")
    }
}

extension ContainerEdits.Hook {
    private static let stations = [
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
    ]

    init(_ reader: SpecificationReader) throws(OCIError) {
        try reader.refuseOthers(than: ["hookName", "path", "args", "env", "timeout"])
        guard let station = try reader.choice("hookName", of: Self.stations) else {
            throw reader.failure("hookName", "it is missing")
        }
        self.station = station
        program = try HookSpecifications.Hook(reader)
    }
}

extension ContainerEdits.Mount {
    init(_ reader: SpecificationReader) throws(OCIError) {
        try reader.refuseOthers(than: ["hostPath", "containerPath", "type", "options"])
        hostPath = try reader.required("hostPath")
        guard hostPath.hasPrefix("/") else { throw reader.failure("hostPath", "it must be an absolute path") }
        containerPath = try reader.required("containerPath")
        guard containerPath.hasPrefix("/") else { throw reader.failure("containerPath", "it must be an absolute path") }
        type = try reader.string("type") ?? ""
        options = try reader.strings("options") ?? []
    }
}
