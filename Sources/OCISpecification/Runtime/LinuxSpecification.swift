import JSONTree

/// The `linux` section (config-linux.md). Text that names something, such as a propagation or a system call, is as the specification spells it.
package struct LinuxSpecification: Sendable, Hashable {
    /// One of the container's namespaces; those of kinds that are not listed are the caller's.
    package struct Namespace: Sendable, Hashable {
        /// pid, network, mount, ipc, uts, user, cgroup, time.
        package var type: String
        /// The file of one to join; nil for a new one.
        package var path: String?
    }

    /// A device node that is made in the container.
    package struct Device: Sendable, Hashable {
        /// `c`, `u`, `b` or `p`.
        package var type: String
        package var path: String
        package var major: UInt32
        package var minor: UInt32
        /// Permissions, without the type; nil: the runtime's choice, as with the owners.
        package var mode: UInt32?
        package var userID: UInt32?
        package var groupID: UInt32?
    }

    /// What a clock of the time namespace is ahead.
    package struct TimeOffset: Sendable, Hashable {
        package var seconds: Int64
        package var nanoseconds: UInt32
    }

    /// A network device of the host's that the container is given.
    package struct NetworkDevice: Sendable, Hashable {
        package var hostName: String
        /// In the container; with `%d` for a number that is free.
        package var name: String
    }

    /// On which memory nodes pages are allocated: set_mempolicy(2).
    package struct MemoryPolicy: Sendable, Hashable {
        /// Such as `MPOL_BIND`.
        package var mode: String
        /// Such as `0-3,7`.
        package var nodes: String
        package var flags: [String]
    }

    package var namespaces: [Namespace] = []
    package var userMappings: [IDMapping] = []
    package var groupMappings: [IDMapping] = []
    /// By clock: `monotonic`, `boottime`.
    package var timeOffsets: [String: TimeOffset] = [:]
    package var devices: [Device] = []
    /// A path in the hierarchy, or for systemd `SLICE:PREFIX:NAME`.
    package var cgroupsPath: String?
    package var resources: ResourceSpecification?
    /// Such as `rslave`.
    package var rootPropagation: String?
    package var seccomp: SeccompSpecification?
    /// `sysctl`: by names with dots.
    package var kernelParameters: [String: String] = [:]
    package var maskedPaths: [String] = []
    package var readOnlyPaths: [String] = []
    package var mountLabel: String?
    package var hasIntelRDT = false
    /// `LINUX` or `LINUX32`.
    package var personality: String?
    package var memoryPolicy: MemoryPolicy?
    package var networkDevices: [NetworkDevice] = []

    package init() {}

    init(_ reader: SpecificationReader) throws(OCIError) {
        namespaces = try LinuxSpecification.namespaces(reader)
        userMappings = try IDMapping.list(reader, "uidMappings")
        groupMappings = try IDMapping.list(reader, "gidMappings")
        try readTimeOffsets(reader)
        for element in try reader.objects("devices") { devices.append(try Device(element)) }
        cgroupsPath = try reader.string("cgroupsPath")
        if let section = try reader.object("resources") { resources = try ResourceSpecification(section) }
        rootPropagation = try reader.choice(
            "rootfsPropagation",
            of: [
                "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable", "",
            ])
        if let section = try reader.object("seccomp") { seccomp = try SeccompSpecification(section) }
        kernelParameters = try reader.stringMap("sysctl") ?? [:]
        maskedPaths = try LinuxSpecification.paths(reader, "maskedPaths")
        readOnlyPaths = try LinuxSpecification.paths(reader, "readonlyPaths")
        mountLabel = try reader.string("mountLabel").flatMap { $0.isEmpty ? nil : $0 }
        hasIntelRDT = try reader.object("intelRdt") != nil
        networkDevices = try NetworkDevice.list(reader)
        if let section = try reader.object("memoryPolicy") {
            memoryPolicy = MemoryPolicy(
                mode: try section.required("mode"), nodes: try section.string("nodes") ?? "",
                flags: try section.strings("flags") ?? [])
        }
        if let section = try reader.object("personality") {
            personality = try section.choice("domain", of: ["LINUX", "LINUX32"])
            if try section.strings("flags")?.isEmpty == false {
                throw section.failure("flags", "no flag is known")
            }
        }
    }

    package func namespace(_ type: String) -> Namespace? { namespaces.first { $0.type == type } }

    /// Whether a namespace of the type is made, not joined and not the caller's.
    package func isNew(_ type: String) -> Bool { namespace(type).map { $0.path == nil } ?? false }

    private static let types = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]

    private static func namespaces(_ reader: SpecificationReader) throws(OCIError) -> [Namespace] {
        var list: [Namespace] = []
        for element in try reader.objects("namespaces") {
            guard let type = try element.choice("type", of: types) else {
                throw element.failure("type", "it is missing")
            }
            guard !list.contains(where: { $0.type == type }) else {
                throw element.failure("type", "\(type) is there twice")
            }
            let path = try element.string("path") ?? ""
            guard path.isEmpty || path.hasPrefix("/") else {
                throw element.failure("path", "it must be an absolute path")
            }
            list.append(Namespace(type: type, path: path.isEmpty ? nil : path))
        }
        return list
    }

    private mutating func readTimeOffsets(_ reader: SpecificationReader) throws(OCIError) {
        guard let section = try reader.object("timeOffsets") else { return }
        for name in section.names {
            guard name == "monotonic" || name == "boottime" else {
                throw section.failure(name, "the clocks with offsets are monotonic and boottime")
            }
            guard let offset = try section.object(name) else { continue }
            timeOffsets[name] = TimeOffset(
                seconds: try offset.integer("secs") ?? 0, nanoseconds: try offset.number("nanosecs") ?? 0)
        }
    }

    private static func paths(_ reader: SpecificationReader, _ name: String) throws(OCIError) -> [String] {
        let paths = try reader.strings(name) ?? []
        for (index, path) in paths.enumerated() where !path.hasPrefix("/") {
            throw reader.failure("\(name)[\(index)]", "it must be an absolute path in the container")
        }
        return paths
    }
}

extension LinuxSpecification.Device {
    init(_ reader: SpecificationReader) throws(OCIError) {
        guard let type = try reader.choice("type", of: ["c", "u", "b", "p"]) else {
            throw reader.failure("type", "it is missing")
        }
        guard let path = try reader.string("path"), path.hasPrefix("/"), path != "/" else {
            throw reader.failure("path", "it must be an absolute path in the container")
        }
        self.type = type
        self.path = path
        major = type == "p" ? 0 : try reader.needed("major")
        minor = type == "p" ? 0 : try reader.needed("minor")
        mode = try reader.number("fileMode")
        userID = try reader.number("uid")
        groupID = try reader.number("gid")
    }
}

/// Which system calls a process may make.
package struct SeccompSpecification: Sendable, Hashable {
    /// A test of one argument: `index` is 0...5, `second` the mask's result for SCMP_CMP_MASKED_EQ.
    package struct Condition: Sendable, Hashable {
        package var index: UInt32
        package var value: UInt64
        package var second: UInt64
        package var operation: String
    }

    /// What is done with calls by these names, where all conditions hold.
    package struct Rule: Sendable, Hashable {
        package var names: [String]
        package var action: String
        package var errnoCode: UInt32?
        package var conditions: [Condition]
    }

    package var defaultAction: String
    package var defaultErrnoCode: UInt32?
    package var architectures: [String]
    package var flags: [String]
    /// The socket that gets the listener of SCMP_ACT_NOTIFY, and what it is sent besides.
    package var listenerPath: String?
    package var listenerMetadata: String?
    package var rules: [Rule] = []

    package init(_ reader: SpecificationReader) throws(OCIError) {
        try self.init(reader) { rule throws(OCIError) in try Rule(rule) }
    }

    /// - Parameter rule: reads one; nil where it does not count.
    package init(
        _ reader: SpecificationReader, rule: (SpecificationReader) throws(OCIError) -> Rule?
    ) throws(OCIError) {
        guard let action = try reader.choice("defaultAction", of: SeccompSpecification.actions) else {
            throw reader.failure("defaultAction", "it is missing")
        }
        defaultAction = action
        defaultErrnoCode = try reader.number("defaultErrnoRet")
        architectures = try reader.strings("architectures") ?? []
        flags = try reader.strings("flags") ?? []
        listenerPath = try reader.string("listenerPath")
        listenerMetadata = try reader.string("listenerMetadata")
        for element in try reader.objects("syscalls") {
            if let rule = try rule(element) { rules.append(rule) }
        }
        let notifies = rules.contains { $0.action == "SCMP_ACT_NOTIFY" }
        if notifies && listenerPath == nil { throw reader.failure("listenerPath", "SCMP_ACT_NOTIFY needs it") }
        if action == "SCMP_ACT_NOTIFY" { throw reader.failure("defaultAction", "it cannot be SCMP_ACT_NOTIFY") }
    }

    package static let actions = [
        "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
        "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
    ]
    package static let operations = [
        "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
    ]
}

extension SeccompSpecification.Rule {
    /// - Parameter older: the calls where they are not in `names`.
    package init(_ reader: SpecificationReader, older: [String] = []) throws(OCIError) {
        names = try reader.strings("names") ?? []
        if names.isEmpty { names = older }
        if names.isEmpty { throw reader.failure("names", "it must name at least one system call") }
        guard let action = try reader.choice("action", of: SeccompSpecification.actions) else {
            throw reader.failure("action", "it is missing")
        }
        self.action = action
        errnoCode = try reader.number("errnoRet")
        conditions = []
        for element in try reader.objects("args") {
            guard let operation = try element.choice("op", of: SeccompSpecification.operations) else {
                throw element.failure("op", "it is missing")
            }
            let index: UInt32 = try element.needed("index")
            guard index < 6 else { throw element.failure("index", "it must be from 0 to 5") }
            conditions.append(
                SeccompSpecification.Condition(
                    index: index, value: try element.needed("value"), second: try element.number("valueTwo") ?? 0,
                    operation: operation))
        }
    }
}
