import JSONTree

/// The process of a container or of an exec session (config.md, `process`). Text that names something, such as a policy, is as the specification spells it.
package struct ProcessSpecification: Sendable, Hashable {
    /// One of setrlimit(2).
    package struct Limit: Sendable, Hashable {
        /// Such as `RLIMIT_NOFILE`.
        package var type: String
        package var soft: UInt64
        package var hard: UInt64
    }

    /// The five sets by name, such as `CAP_CHOWN`.
    package struct Capabilities: Sendable, Hashable {
        package var effective: [String] = []
        package var permitted: [String] = []
        package var inheritable: [String] = []
        package var bounding: [String] = []
        package var ambient: [String] = []

        package init() {}
    }

    /// As sched_setattr(2) takes it.
    package struct Scheduler: Sendable, Hashable {
        package var policy: String
        package var nice: Int32
        package var priority: Int32
        package var flags: [String]
        /// Nanoseconds.
        package var runtime: UInt64
        package var deadline: UInt64
        package var period: UInt64
    }

    /// As ioprio_set(2) takes it.
    package struct IOPriority: Sendable, Hashable {
        package var className: String
        /// 0...7, highest first.
        package var priority: Int64
    }

    /// In characters.
    package struct Size: Sendable, Hashable {
        package var width: UInt16
        package var height: UInt16
    }

    package var hasTerminal = false
    package var consoleSize: Size?
    package var arguments: [String] = []
    /// `NAME=value`.
    package var environment: [String] = []
    /// Absolute.
    package var workingDirectory = "/"
    /// By the container's numbers.
    package var userID: UInt32 = 0
    package var groupID: UInt32 = 0
    package var umask: UInt32?
    package var additionalGroups: [UInt32] = []
    /// Nil: none.
    package var capabilities: Capabilities?
    package var limits: [Limit] = []
    package var noNewPrivileges = false
    /// -1000...1000; nil: the caller's.
    package var oomScoreAdjustment: Int32?
    package var scheduler: Scheduler?
    package var ioPriority: IOPriority?
    /// Names of the security modules' profile and label; empty: none.
    package var appArmorProfile = ""
    package var selinuxLabel = ""
    /// Processors as lists such as "0-3", while an exec session is set up and once it runs.
    package var initialAffinity = ""
    package var finalAffinity = ""

    package init() {}

    /// What stands in for a process that a bundle does not have: it can be made ready, and fails to be executed.
    package static var unset: ProcessSpecification {
        var process = ProcessSpecification()
        process.arguments = [""]
        return process
    }

    package init(_ reader: SpecificationReader) throws(OCIError) {
        hasTerminal = try reader.bool("terminal") ?? false
        arguments = try reader.strings("args") ?? []
        environment = try reader.strings("env") ?? []
        guard let folder = try reader.string("cwd") else { throw reader.failure("cwd", "it is missing") }
        workingDirectory = folder
        guard workingDirectory.hasPrefix("/") else { throw reader.failure("cwd", "it must be an absolute path") }
        if let size = try reader.object("consoleSize") {
            consoleSize = Size(width: try size.needed("width"), height: try size.needed("height"))
        }
        if let user = try reader.object("user") { try readUser(user) }
        if let sets = try reader.object("capabilities") { capabilities = try Capabilities(sets) }
        limits = try ProcessSpecification.limits(reader)
        noNewPrivileges = try reader.bool("noNewPrivileges") ?? false
        oomScoreAdjustment = try reader.number("oomScoreAdj")
        if let score = oomScoreAdjustment, !(-1000...1000).contains(score) {
            throw reader.failure("oomScoreAdj", "it must be from -1000 to 1000")
        }
        if let section = try reader.object("scheduler") { scheduler = try Scheduler(section) }
        if let section = try reader.object("ioPriority") { ioPriority = try IOPriority(section) }
        appArmorProfile = try reader.string("apparmorProfile") ?? ""
        selinuxLabel = try reader.string("selinuxLabel") ?? ""
        if let section = try reader.object("execCPUAffinity") {
            initialAffinity = try section.string("initial") ?? ""
            finalAffinity = try section.string("final") ?? ""
        }
    }

    private mutating func readUser(_ reader: SpecificationReader) throws(OCIError) {
        userID = try ProcessSpecification.identity(reader, "uid")
        groupID = try ProcessSpecification.identity(reader, "gid")
        umask = try reader.number("umask")
        if let umask, umask > 0o777 { throw reader.failure("umask", "it must be from 0 to 511 (octal 777)") }
        for (index, number) in (try reader.integers("additionalGids") ?? []).enumerated() {
            guard let group = UInt32(exactly: number), group < UInt32.max else {
                throw reader.failure("additionalGids[\(index)]", "it must be from 0 to 4294967294")
            }
            additionalGroups.append(group)
        }
    }

    /// Identities above 2^31 - 1 are refused: they wrap around in too many places.
    private static func identity(_ reader: SpecificationReader, _ name: String) throws(OCIError) -> UInt32 {
        let number = try reader.integer(name) ?? 0
        guard let value = Int32(exactly: number), value >= 0 else {
            throw reader.failure(name, "it must be from 0 to 2147483647")
        }
        return UInt32(value)
    }

    private static func limits(_ reader: SpecificationReader) throws(OCIError) -> [Limit] {
        var limits: [Limit] = []
        for element in try reader.objects("rlimits") {
            guard let type = try element.string("type") else { throw element.failure("type", "it is missing") }
            guard !limits.contains(where: { $0.type == type }) else {
                throw element.failure("type", "\(type) is there twice")
            }
            let limit = Limit(type: type, soft: try element.needed("soft"), hard: try element.needed("hard"))
            guard limit.soft <= limit.hard else { throw element.failure("soft", "it must not be above hard") }
            limits.append(limit)
        }
        return limits
    }
}

extension ProcessSpecification.Capabilities {
    init(_ reader: SpecificationReader) throws(OCIError) {
        effective = try reader.strings("effective") ?? []
        permitted = try reader.strings("permitted") ?? []
        inheritable = try reader.strings("inheritable") ?? []
        bounding = try reader.strings("bounding") ?? []
        ambient = try reader.strings("ambient") ?? []
    }
}

extension ProcessSpecification.Scheduler {
    init(_ reader: SpecificationReader) throws(OCIError) {
        guard let policy = try reader.string("policy") else { throw reader.failure("policy", "it is missing") }
        self.policy = policy
        nice = try reader.number("nice") ?? 0
        priority = try reader.number("priority") ?? 0
        flags = try reader.strings("flags") ?? []
        runtime = try reader.number("runtime") ?? 0
        deadline = try reader.number("deadline") ?? 0
        period = try reader.number("period") ?? 0
    }
}

extension ProcessSpecification.IOPriority {
    init(_ reader: SpecificationReader) throws(OCIError) {
        className = try reader.string("class") ?? "IOPRIO_CLASS_BE"
        priority = try reader.integer("priority") ?? 0
        guard (0...7).contains(priority) else { throw reader.failure("priority", "it must be from 0 to 7") }
    }
}
