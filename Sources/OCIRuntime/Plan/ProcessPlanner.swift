import CLaunch
import Glibc
import Launch
import OCISpecification

/// From a process of the specification to the plan of one.
struct ProcessPlanner {
    let facts: HostFacts
    /// What the specification was when the bundle was written.
    var version = RuntimeSpecification.followedVersion
    var personality: String?
    var memoryPolicy: LinuxSpecification.MemoryPolicy?
    /// Of the user namespace that the process is in, where it is the container's own.
    var userMappings: [IDMapping] = []

    func plan(
        _ process: ProcessSpecification, seccomp: CompiledSeccomp?
    ) throws(OCIRuntimeError) -> ProcessPlan {
        guard !process.arguments.isEmpty else {
            throw .unsupported(field: "process.args", cause: "it must name a program")
        }
        var plan = ProcessPlan(
            arguments: process.arguments, environment: environment(process),
            workingDirectory: process.workingDirectory,
            user: ProcessUser(
                userID: process.userID, groupID: process.groupID, supplementaryGroups: process.additionalGroups,
                umask: process.umask ?? 0o022),
            capabilities: try capabilities(process.capabilities), noNewPrivileges: process.noNewPrivileges,
            seccomp: seccomp?.program, resourceLimits: try limits(process.limits),
            terminal: process.hasTerminal
                ? TerminalSize(columns: process.consoleSize?.width ?? 0, rows: process.consoleSize?.height ?? 0) : nil)
        plan.streamOwner = userMappings.compactMap { $0.host(of: process.userID) }.first
        plan.traits.preservedDescriptors = facts.preservedDescriptors
        plan.traits.keepsKeyring = facts.keepsKeyring
        plan.traits.findsHome = !plan.environment.contains { $0.hasPrefix("HOME=") }
        if plan.traits.findsHome { plan.environment.append("HOME=/") }
        plan.traits.seccompFlags = seccomp?.flags ?? 0
        plan.traits.scheduler = try process.scheduler.map { value throws(OCIRuntimeError) in
            try SchedulingNames.scheduler(value)
        }
        plan.traits.ioPriority = try process.ioPriority.map { value throws(OCIRuntimeError) in
            try SchedulingNames.ioPriority(value)
        }
        plan.traits.personality = personality.map { $0 == "LINUX32" ? 0x0008 : 0 }
        plan.traits.memoryPolicy = try memoryPolicy.map { value throws(OCIRuntimeError) in
            try MemoryPolicyNames.policy(value)
        }
        plan.traits.label = try label(process)
        plan.traits.affinity = try SchedulingNames.processorMask(process.finalAffinity)
        return plan
    }

    /// Each variable once, as the last entry has it: programs differ in which of two they take. An empty HOME is none.
    private func environment(_ process: ProcessSpecification) -> [String] {
        var entries = process.environment
        if facts.activationSockets > 0 { entries += ["LISTEN_FDS=\(facts.activationSockets)", "LISTEN_PID=1"] }
        if let socket = facts.notifySocket { entries.append("NOTIFY_SOCKET=\(socket)") }
        var names: Set<Substring> = []
        let kept = entries.reversed().filter { entry in
            names.insert(entry.prefix { $0 != "=" }).inserted && entry != "HOME="
        }
        return kept.reversed()
    }

    private func capabilities(_ sets: ProcessSpecification.Capabilities?) throws(OCIRuntimeError) -> CapabilitySets {
        guard let sets else { return CapabilitySets(0) }
        if version.hasPrefix("1.0."), let name = unknownCapabilities(sets).first {
            throw .unsupported(
                field: "process.capabilities",
                cause: "\(name) is no capability, which is an error up to version 1.0 of the specification (ociVersion)"
            )
        }
        var bits = CapabilityBits()
        var planned = CapabilitySets(
            effective: bits.of(sets.effective), permitted: bits.of(sets.permitted),
            inheritable: bits.of(sets.inheritable), bounding: bits.of(sets.bounding), ambient: bits.of(sets.ambient))
        // The kernel knows no other ambient capabilities; buildah asks for them, and no runtime refuses.
        planned.ambient &= planned.permitted & planned.inheritable
        return planned
    }

    /// Those of no meaning here, by name. Since version 1.1 the specification has them told, and the process run without them.
    private func unknownCapabilities(_ sets: ProcessSpecification.Capabilities?) -> [String] {
        guard let sets else { return [] }
        var bits = CapabilityBits()
        for names in [sets.effective, sets.permitted, sets.inheritable, sets.bounding, sets.ambient] {
            _ = bits.of(names)
        }
        return bits.unknown.sorted()
    }

    private func limits(_ limits: [ProcessSpecification.Limit]) throws(OCIRuntimeError) -> [ResourceLimit] {
        var list: [ResourceLimit] = []
        for limit in limits {
            guard let number = ResourceLimit.names.firstIndex(of: limit.type) else {
                throw .unsupported(field: "process.rlimits", cause: "\(limit.type) is no resource limit")
            }
            list.append(ResourceLimit(resource: UInt32(number), soft: limit.soft, hard: limit.hard))
        }
        return list
    }

    /// What the process asks for and this host cannot hold, though it runs: sentences for the log.
    func unheld(_ process: ProcessSpecification) -> [String] {
        var list = unknownCapabilities(process.capabilities).map { name in
            "process.capabilities: \(name) is not known here; the process runs without it"
        }
        if asksForAppArmor(process), !facts.hasAppArmor {
            list.append(
                "process.apparmorProfile \(process.appArmorProfile) cannot be held: this kernel runs without AppArmor")
        }
        return list
    }

    private func asksForAppArmor(_ process: ProcessSpecification) -> Bool {
        !process.appArmorProfile.isEmpty && process.appArmorProfile != "unconfined"
    }

    private func label(_ process: ProcessSpecification) throws(OCIRuntimeError) -> ProcessTraits.Label? {
        let profile = asksForAppArmor(process) && facts.hasAppArmor ? AppArmor.label(process.appArmorProfile) : nil
        guard !process.selinuxLabel.isEmpty else { return profile }
        guard facts.hasSELinux else {
            throw .unsupported(field: "process.selinuxLabel", cause: "this kernel runs without SELinux")
        }
        guard profile == nil else {
            throw .unsupported(field: "process.selinuxLabel", cause: "a process has this or process.apparmorProfile")
        }
        return SELinux.label(process.selinuxLabel)
    }
}

/// The specification's words for scheduling and the kernel's numbers.
enum SchedulingNames {
    static let policies = [
        "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
        "SCHED_DEADLINE": 6,
    ]
    static let flags = [
        "SCHED_FLAG_RESET_ON_FORK": 1, "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4,
        "SCHED_FLAG_KEEP_POLICY": 8, "SCHED_FLAG_KEEP_PARAMS": 16, "SCHED_FLAG_UTIL_CLAMP_MIN": 32,
        "SCHED_FLAG_UTIL_CLAMP_MAX": 64,
    ]
    static let ioClasses = ["IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]

    static func scheduler(
        _ value: ProcessSpecification.Scheduler
    ) throws(OCIRuntimeError) -> ProcessTraits.Scheduler {
        guard let policy = policies[value.policy] else {
            throw .unsupported(field: "process.scheduler.policy", cause: "\"\(value.policy)\" is not known")
        }
        var mask: UInt64 = 0
        for name in value.flags {
            guard let bit = flags[name] else {
                throw .unsupported(field: "process.scheduler.flags", cause: "\"\(name)\" is not known")
            }
            mask |= UInt64(bit)
        }
        guard (0...99).contains(value.priority) else {
            throw .unsupported(field: "process.scheduler.priority", cause: "it must be from 0 to 99")
        }
        return .init(
            policy: UInt32(policy), nice: value.nice, priority: UInt32(value.priority), flags: mask,
            runtime: value.runtime, deadline: value.deadline, period: value.period)
    }

    static func ioPriority(_ value: ProcessSpecification.IOPriority) throws(OCIRuntimeError) -> UInt32 {
        guard let number = ioClasses[value.className] else {
            throw .unsupported(field: "process.ioPriority.class", cause: "\"\(value.className)\" is not known")
        }
        return UInt32(number) << 13 | UInt32(value.priority)
    }

    /// A list such as "0-3,6" as a mask of whole 64-bit words.
    static func processorMask(_ list: String) throws(OCIRuntimeError) -> [UInt8] {
        try mask(list, of: "processors", field: "process.execCPUAffinity")
    }

    /// The same of other things that have numbers.
    static func mask(_ list: String, of things: String, field: String) throws(OCIRuntimeError) -> [UInt8] {
        var mask: [UInt8] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1).map { UInt16($0.filter { $0 != " " }) }
            guard let low = ends.first ?? nil, let high = ends.last ?? nil, low <= high, high < 8192 else {
                throw .unsupported(field: field, cause: "\"\(list)\" is no list of \(things)")
            }
            for number in Int(low)...Int(high) {
                while mask.count <= number / 8 { mask += [UInt8](repeating: 0, count: 8) }
                mask[number / 8] |= 1 << UInt8(number % 8)
            }
        }
        return mask
    }
}

/// Masks of lists of names. Mostly each is the one before it, which is not looked up twice.
private struct CapabilityBits {
    private var last: (names: [String], mask: UInt64) = ([], 0)
    /// The names that are no capability's, each once.
    private(set) var unknown: Set<String> = []

    mutating func of(_ names: [String]) -> UInt64 {
        guard names != last.names else { return last.mask }
        var mask: UInt64 = 0
        for name in names {
            guard let bits = try? Capability.mask(of: [name]) else {
                unknown.insert(name)
                continue
            }
            mask |= bits
        }
        last = (names, mask)
        return mask
    }
}
