import CLaunch
import Glibc

extension BundlePlan {
    /// The flat form. `trees` holds the root first and then the bind mounts in their order, as `openTrees` gives them.
    package func encoded(isGated: Bool) throws(KernelError) -> EncodedPlan {
        var records = PlanRecords()
        records.add(CL_RECORD_FLAGS) { $0.append(flags(isGated: isGated)) }
        try process.encode(&records)
        for hook in startHooks { try hook.encode(&records) }
        if let bundle { try records.add(CL_RECORD_BUNDLE, bundle.directory, bundle.root, bundle.state) }
        try records.add(CL_RECORD_ROOT, root)
        records.add(CL_RECORD_ROOT_TREE) {
            $0.append(Int32(0))
            $0.append(rootPropagation)
        }
        for namespace in namespaces {
            let path = namespace.path ?? ""
            try PlanRecords.check(path)
            records.add(CL_RECORD_NAMESPACE) {
                $0.append(namespace.kind.rawValue)
                $0.append(path)
            }
        }
        var trees: Int32 = 1
        for mount in mounts { try mount.encode(&records, &trees) }
        for device in devices { try device.encode(&records, anywhere: true) }
        for rule in deviceRules ?? [] { rule.encode(&records) }
        if let mountLabel { try records.add(CL_RECORD_MOUNT_LABEL, mountLabel) }
        for path in maskedPaths { try records.add(CL_RECORD_MASK, path) }
        for path in readOnlyPaths { try records.add(CL_RECORD_READ_ONLY, path) }
        try encodeNames(&records)
        return EncodedPlan(bytes: records.bytes, trees: [], names: names)
    }

    private func flags(isGated: Bool) -> UInt32 {
        var flags = process.flags | UInt32(CL_PLAN_EXPLICIT)
        if rootIsReadOnly { flags |= UInt32(CL_PLAN_ROOT_READ_ONLY) }
        if deviceRules != nil { flags |= UInt32(CL_PLAN_DEVICE_PROGRAM) }
        if hasDeviceLinks { flags |= UInt32(CL_PLAN_DEVICE_LINKS) }
        if awaitsHooks { flags |= UInt32(CL_PLAN_HOOKS) }
        if isUnprivileged { flags |= UInt32(CL_PLAN_UNPRIVILEGED) }
        if isGated { flags |= UInt32(CL_PLAN_GATE) }
        if namespace(.user) != nil { flags |= UInt32(CL_PLAN_BECOME_ROOT) }
        if isNew(.user) { flags |= UInt32(CL_PLAN_MAPPED) }
        if isNew(.ipc) { flags |= UInt32(CL_PLAN_OWN_QUEUES) }
        return flags
    }

    private func encodeNames(_ records: inout PlanRecords) throws(KernelError) {
        if let hostname { try records.add(CL_RECORD_HOSTNAME, hostname) }
        if let domainName { try records.add(CL_RECORD_DOMAIN_NAME, domainName) }
        if let timeOffsets { try records.add(CL_RECORD_TIME_OFFSETS, timeOffsets) }
        for (name, value) in kernelParameters { try records.add(CL_RECORD_PARAMETER, name, value) }
    }

    private var names: PlanNames {
        var names = PlanNames(
            mounts: [], masks: maskedPaths, readOnly: readOnlyPaths,
            devices: devices.map { $0.path }, layers: [root], parameters: kernelParameters.map { $0.name },
            limits: process.resourceLimits.map { $0.name }, label: process.traits.label?.name,
            program: process.arguments.first ?? "",
            directory: process.workingDirectory)
        names.bundleMounts = mounts
        names.namespaces = namespaces
        names.hooks = startHooks.map { $0.path }
        return names
    }
}

extension BundleMount {
    fileprivate func encode(_ records: inout PlanRecords, _ trees: inout Int32) throws(KernelError) {
        var flags: UInt32 = 0
        var tree: Int32 = -1
        var type = ""
        var name = ""
        switch source {
        case .bind:
            tree = trees
            trees += 1
            if Int(propagation) == Int(MS_UNBINDABLE) { flags |= UInt32(CL_FILESYSTEM_UNBINDABLE) }
            if spreadsBeneath { flags |= UInt32(CL_FILESYSTEM_BENEATH) }
        case .filesystem(let filesystem, let source): (type, name) = (filesystem, source)
        case .change: flags |= UInt32(CL_FILESYSTEM_CHANGE)
        }
        if copiesUp { flags |= UInt32(CL_FILESYSTEM_COPY_UP) }
        if targetHasNoLinks { flags |= UInt32(CL_FILESYSTEM_NO_LINKS) }
        if isOptional { flags |= UInt32(CL_FILESYSTEM_OPTIONAL) }
        let strings = [type, name, target] + options
        for string in strings { try PlanRecords.check(string) }
        records.add(CL_RECORD_FILESYSTEM) {
            $0.append(flags)
            $0.append(tree)
            $0.append(set)
            $0.append(clear)
            for string in strings { $0.append(string) }
        }
    }
}
