import CLaunch
import Glibc

/// A plan as the launch path reads it (`cplan.h`), and the detached mounts that travel beside it.
package struct EncodedPlan: Sendable {
    package let bytes: [UInt8]
    /// In the order of the indexes in `bytes`; passed with the message.
    package let trees: [SharedDescriptor]
    /// What an index in a failure of this plan names.
    package let names: PlanNames
}

extension Mount {
    /// What messages call the source.
    var sourceName: String {
        switch source {
        case .path(let path): path
        case .tree: "mount for \(target)"
        case .tmpfs: "tmpfs"
        case .proc: "proc"
        case .sysfs: "sysfs"
        case .cgroup: "cgroup"
        case .messageQueues: "mqueue"
        case .devices: "devices"
        case .own: "volume of the image"
        }
    }
}

extension LaunchPlan {
    /// The most directories that an overlay is made of.
    package static let layerLimit = Int(CL_MAX_LAYERS)
    package static let mountLimit = Int(CL_MAX_MOUNTS)

    /// The flat form. Fails with EINVAL on a NUL byte in a string and on a mount target that is not absolute.
    package func encoded() throws(KernelError) -> EncodedPlan {
        var records = PlanRecords()
        var flags = process.flags
        if processNamespace == .own { flags |= UInt32(CL_PLAN_NEW_PID) }
        if processNamespace == .pod { flags |= UInt32(CL_PLAN_POD_PID) }
        if deviceRules != nil { flags |= UInt32(CL_PLAN_DEVICE_PROGRAM) }
        if awaitsHooks { flags |= UInt32(CL_PLAN_HOOKS | CL_PLAN_AWAIT) }
        if hooks.contains(where: { $0.station == .createContainer }) { flags |= UInt32(CL_PLAN_HOOKS) }
        if hasOwnQueues { flags |= UInt32(CL_PLAN_OWN_QUEUES) }
        let layers = try encodeRoot(&records, &flags)
        records.add(CL_RECORD_FLAGS) { $0.append(flags) }
        try process.encode(&records)
        for hook in hooks { try hook.encode(&records) }
        if let bundle { try records.add(CL_RECORD_BUNDLE, bundle.directory, bundle.root, bundle.state) }
        if let hookPatience { records.add(CL_RECORD_HOOK_PATIENCE) { $0.append(hookPatience) } }
        try records.add(CL_RECORD_CGROUP, cgroup)
        if let score = oomScoreAdjustment { records.add(CL_RECORD_OOM_SCORE) { $0.append(UInt32(bitPattern: score)) } }
        let mounts = effectiveMounts
        var trees: [SharedDescriptor] = []
        for mount in mounts { try mount.encode(&records, &trees) }
        for device in devices { try device.encode(&records) }
        for rule in deviceRules ?? [] { rule.encode(&records) }
        if let mountLabel { try records.add(CL_RECORD_MOUNT_LABEL, mountLabel) }
        for path in maskedPaths { try records.add(CL_RECORD_MASK, path) }
        for path in readOnlyPaths { try records.add(CL_RECORD_READ_ONLY, path) }
        let names = PlanNames(
            mounts: mounts.map { ($0.sourceName, $0.target) }, masks: maskedPaths, readOnly: readOnlyPaths,
            devices: devices.map { $0.path }, layers: layers,
            limits: process.resourceLimits.map { $0.name }, label: process.traits.label?.name,
            program: process.arguments.first ?? "", directory: process.workingDirectory)
        return EncodedPlan(bytes: records.bytes, trees: trees, names: names)
    }

    /// A mount with the target of an earlier one takes its place: nothing is mounted to be covered at once.
    package var effectiveMounts: [Mount] {
        var last: [String: Int] = [:]
        for (index, mount) in mounts.enumerated() { last[mount.target] = index }
        return mounts.enumerated().filter { last[$0.element.target] == $0.offset }.map { $0.element }
    }

    /// Writes the root and returns the directories by index.
    private func encodeRoot(_ records: inout PlanRecords, _ flags: inout UInt32) throws(KernelError) -> [String] {
        switch root {
        case .directory(let path, let readOnly):
            if readOnly { flags |= UInt32(CL_PLAN_ROOT_READ_ONLY) }
            try records.add(CL_RECORD_ROOT, path)
            return [path]
        case .overlay(let lower, let upper, let work, let readOnly):
            if readOnly || upper == nil { flags |= UInt32(CL_PLAN_ROOT_READ_ONLY) }
            // The kernel refuses an overlay of one directory: that is the directory itself.
            if upper == nil && lower.count == 1 {
                try records.add(CL_RECORD_ROOT, lower[0])
                return lower
            }
            for layer in lower { try records.add(CL_RECORD_LAYER, layer) }
            if let upper { try records.add(CL_RECORD_UPPER, upper) }
            if let work { try records.add(CL_RECORD_WORK, work) }
            return lower + [upper, work].compactMap { $0 }
        }
    }
}

extension ProcessPlan {
    /// The flat form of an exec session's process.
    package func encoded() throws(KernelError) -> EncodedPlan { try encoded(flags) }

    /// The same for an exec session in a bundle's container, whose namespaces the launch names.
    package func encodedForSession(becomesRoot: Bool) throws(KernelError) -> EncodedPlan {
        try encoded(flags | UInt32(CL_PLAN_EXPLICIT) | (becomesRoot ? UInt32(CL_PLAN_BECOME_ROOT) : 0))
    }

    private func encoded(_ flags: UInt32) throws(KernelError) -> EncodedPlan {
        var records = PlanRecords()
        records.add(CL_RECORD_FLAGS) { $0.append(flags) }
        try encode(&records)
        let names = PlanNames(
            mounts: [], masks: [], readOnly: [], devices: [], layers: [], limits: resourceLimits.map { $0.name },
            label: traits.label?.name, program: arguments.first ?? "", directory: workingDirectory)
        return EncodedPlan(bytes: records.bytes, trees: [], names: names)
    }

    var flags: UInt32 {
        (noNewPrivileges ? UInt32(CL_PLAN_NO_NEW_PRIVILEGES) : 0) | (terminal != nil ? UInt32(CL_PLAN_TERMINAL) : 0)
            | (traits.findsHome ? UInt32(CL_PLAN_FIND_HOME) : 0)
            | (traits.keepsKeyring ? UInt32(CL_PLAN_KEEP_KEYRING) : 0)
    }

    func encode(_ records: inout PlanRecords) throws(KernelError) {
        for argument in arguments { try records.add(CL_RECORD_ARGUMENT, argument) }
        for variable in environment { try records.add(CL_RECORD_ENVIRONMENT, variable) }
        try records.add(CL_RECORD_CWD, workingDirectory)
        records.add(CL_RECORD_USER) {
            for number in [user.userID, user.groupID, user.umask] + user.supplementaryGroups { $0.append(number) }
        }
        let sets = capabilities
        records.add(CL_RECORD_CAPABILITIES) {
            for set in [sets.effective, sets.permitted, sets.inheritable, sets.bounding, sets.ambient] {
                $0.append(set)
            }
        }
        if let seccomp { records.add(CL_RECORD_SECCOMP) { $0.append(raw: seccomp.instructions) } }
        for limit in resourceLimits {
            records.add(CL_RECORD_LIMIT) {
                $0.append(limit.resource)
                $0.append(UInt32(0))
                $0.append(limit.soft)
                $0.append(limit.hard)
            }
        }
        if let terminal {
            records.add(CL_RECORD_TERMINAL) {
                $0.append(terminal.columns)
                $0.append(terminal.rows)
            }
        }
        if let streamOwner { records.add(CL_RECORD_STREAM_OWNER) { $0.append(streamOwner) } }
        try traits.encode(&records)
    }
}

extension ProcessTraits {
    fileprivate func encode(_ records: inout PlanRecords) throws(KernelError) {
        if let scheduler { scheduler.encode(&records) }
        if let ioPriority { records.add(CL_RECORD_IO_PRIORITY) { $0.append(ioPriority) } }
        if let personality { records.add(CL_RECORD_PERSONALITY) { $0.append(personality) } }
        if preservedDescriptors > 0 { records.add(CL_RECORD_PRESERVE) { $0.append(preservedDescriptors) } }
        if seccompFlags != 0 { records.add(CL_RECORD_SECCOMP_FLAGS) { $0.append(seccompFlags) } }
        if let label { try records.add(CL_RECORD_LABEL, label.file, label.text) }
        if !affinity.isEmpty { records.add(CL_RECORD_AFFINITY) { $0.append(raw: affinity) } }
        guard let memoryPolicy else { return }
        records.add(CL_RECORD_MEMORY_POLICY) {
            $0.append(memoryPolicy.mode)
            $0.append(UInt32(0))
            $0.append(raw: memoryPolicy.nodes)
        }
    }
}

extension ProcessTraits.Scheduler {
    fileprivate func encode(_ records: inout PlanRecords) {
        records.add(CL_RECORD_SCHEDULER) {
            $0.append(policy)
            $0.append(nice)
            $0.append(priority)
            $0.append(UInt32(0))
            for number in [flags, runtime, deadline, period] { $0.append(number) }
        }
    }
}

extension Mount {
    fileprivate func encode(_ records: inout PlanRecords, _ trees: inout [SharedDescriptor]) throws(KernelError) {
        guard target.hasPrefix("/") else { throw KernelError("mount at", target, EINVAL) }
        var kind = CL_MOUNT_BIND
        var path = ""
        var tree: Int32 = -1
        var options: [String] = []
        switch source {
        case .path(let source): path = source
        case .tree(let descriptor):
            kind = CL_MOUNT_TREE
            tree = Int32(trees.count)
            trees.append(descriptor)
        case .tmpfs(let settings):
            kind = CL_MOUNT_TMPFS
            options = settings.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)" }
        case .proc: kind = CL_MOUNT_PROC
        case .sysfs: kind = CL_MOUNT_SYSFS
        case .cgroup: kind = CL_MOUNT_CGROUP
        case .messageQueues: kind = CL_MOUNT_MQUEUE
        case .devices: kind = CL_MOUNT_DEVICES
        case .own: kind = CL_MOUNT_OWN
        }
        let strings = [path, target] + options
        for string in strings { try PlanRecords.check(string) }
        records.add(CL_RECORD_MOUNT) {
            for number in [UInt32(kind), flags.rawValue, propagation.rawValue, UInt32(bitPattern: tree)] {
                $0.append(number)
            }
            for string in strings { $0.append(string) }
        }
    }
}

extension DeviceNode {
    /// `anywhere`: not in a /dev made by the launch path, but where its path says.
    func encode(_ records: inout PlanRecords, anywhere: Bool = false) throws(KernelError) {
        try PlanRecords.check(path)
        let type =
            switch kind {
            case .character: S_IFCHR
            case .block: S_IFBLK
            case .pipe: S_IFIFO
            }
        records.add(anywhere ? CL_RECORD_NODE : CL_RECORD_DEVICE) {
            for number in [type | (mode & 0o7777), major, minor, userID, groupID] { $0.append(number) }
            $0.append(path)
        }
    }
}

extension DeviceRule {
    func encode(_ records: inout PlanRecords) {
        records.add(CL_RECORD_DEVICE_RULE) {
            $0.append(kind.rawValue | (allows ? 0 : UInt32(CL_RULE_DENY)))
            $0.append(access.rawValue)
            for number in [major, minor] { $0.append(UInt64(bitPattern: number.map(Int64.init) ?? -1)) }
        }
    }
}
