import CRI
import Linux

/// The cgroups above the pods': that of all pods, held to what the node can give, and one for each class.
extension NodeRuntime {
    /// Makes them and writes what they hold. Blocks.
    func prepareClasses(_ host: HostFeatures) throws(KernelError) {
        try kernel.makeParentCgroup(paths.podCgroups)
        let settings = CgroupSettings(
            nodeResources, object: "all pods", controllers: host.controllers, scope: .group)
        try apply(settings, to: paths.podCgroups)
        // The share against the machine's other services is settled one level up, where pods stand among them.
        for weight in settings.values where weight.file == "cpu.weight" {
            try kernel.writeCgroup(paths.cgroupRoot, file: weight.file, value: weight.value)
        }
        for quality in CgroupClass.allCases where quality != .guaranteed {
            try kernel.makeParentCgroup(paths.podCgroups(quality))
        }
        guard host.controllers.contains("cpu") else { return }
        try kernel.writeCgroup(paths.podCgroups(.bestEffort), file: "cpu.weight", value: "1")
    }

    /// Gives the burstable class the weight of what its pods ask for together. To be called when one has come or gone. Blocks for a moment.
    func weighClasses() throws(KernelError) {
        guard state.withLock({ $0.host?.controllers.contains("cpu") ?? false }) else { return }
        try burstableWeight.withLock { written throws(KernelError) in
            let weight = ClassWeight.burstable(
                state.withLock { $0.sandboxes.values.map(\.record) }, under: paths.podCgroups(.burstable))
            guard weight != written else { return }
            try kernel.writeCgroup(paths.podCgroups(.burstable), file: "cpu.weight", value: String(weight))
            written = weight
        }
    }
}

/// The weights of classes, purely.
enum ClassWeight {
    /// - Parameter parent: the class's cgroup.
    static func burstable(_ records: [SandboxRecord], under parent: String) -> Int64 {
        let asked = records.filter {
            ($0.phase == .ready || $0.phase == .creating) && $0.cgroup.hasPrefix(parent + "/")
        }
        .reduce(Int64(0)) { sum, record in
            let (total, overflow) = sum.addingReportingOverflow(record.cpuRequest)
            return overflow ? .max : total
        }
        return CgroupSettings.weight(asked)
    }
}
