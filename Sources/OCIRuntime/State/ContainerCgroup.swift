import Glibc
import Launch
import OCISpecification

/// Where a container's group is and what is written into it.
package struct ContainerCgroup: Sendable {
    /// What there is of cgroup2, which is looked at once: who takes a container away that it has just made knows it.
    private static let known = try? CgroupHierarchy.find()
    let group: Cgroup
    /// The unit of systemd's that the group is of.
    var scope: SystemdScope?

    /// The group that `cgroupsPath` names: from the hierarchy's root, whether it begins with a slash or not. Nil: one directly beneath the root,
    /// by the container's id.
    static func name(for path: String?, id: String) throws(OCIRuntimeError) -> String {
        guard let path, !path.isEmpty else { return "swiftlet-oci-" + id }
        let parts = path.pathComponents
        guard !parts.contains(".."), !parts.contains(".") else {
            throw .unsupported(field: "linux.cgroupsPath", cause: "\"\(path)\" must not climb")
        }
        guard !parts.isEmpty else {
            throw .unsupported(field: "linux.cgroupsPath", cause: "\"\(path)\" is the root of all groups")
        }
        return parts.joined(separator: "/")
    }

    private static func hierarchy() throws(CgroupError) -> CgroupHierarchy {
        if let known { return known }
        return try CgroupHierarchy.find()
    }

    /// One that need not be there.
    static func named(_ name: String) throws(OCIRuntimeError) -> ContainerCgroup {
        let found = try cgroups { () throws(CgroupError) in try hierarchy() }
        return ContainerCgroup(group: Cgroup(name, in: found))
    }

    /// That it is nobody's: what is in it would get this container's limits, and end with it.
    func checkEmpty() throws(OCIRuntimeError) {
        guard let events = try? group.counters("cgroup.events") else { return }
        guard events["populated"] == 0, events["frozen"] != 1 else {
            let cause = events["populated"] == 0 ? "is frozen" : "has processes already"
            throw .unsupported(field: "linux.cgroupsPath", cause: "\(group.path) \(cause); name a group of its own")
        }
    }

    /// Makes the group with all above it and lets it use the hierarchy's controllers.
    func make() throws(OCIRuntimeError) {
        try cgroups { () throws(CgroupError) in try group.createWithParents() }
        giveControllers()
    }

    /// Lets it use the hierarchy's controllers, those among them that systemd does not know of.
    func giveControllers() {
        let controllers = group.hierarchy.controllers
        // Asking is cheap; each word to one above locks the whole hierarchy.
        if (try? group.controllers()) == controllers { return }
        var above = Cgroup("", in: group.hierarchy)
        for part in group.name.split(separator: "/") {
            for controller in controllers { try? above.delegate([controller]) }
            above = above.child(String(part))
        }
    }

    /// The group of a unit, as they were noted; nil where there is neither.
    static func noted(_ path: String?, unit: String?) throws(OCIRuntimeError) -> ContainerCgroup? {
        var cgroup = try path.flatMap(existing)
        cgroup?.scope = unit.map { SystemdScope(unit: $0) }
        return cgroup
    }

    /// The group at a path; nil where no hierarchy is in sight that has it. An error where that cannot be told: whoever took it for gone would
    /// leave it behind.
    static func existing(_ path: String) throws(OCIRuntimeError) -> ContainerCgroup? {
        let found: CgroupHierarchy
        do throws(CgroupError) { found = try hierarchy() } catch .noUnifiedHierarchy {
            return nil
        } catch { return try cgroups { () throws(CgroupError) in throw error } }
        guard path.hasPrefix(found.mountPoint + "/") else { return nil }
        return ContainerCgroup(group: Cgroup(String(path.dropFirst(found.mountPoint.count + 1)), in: found))
    }

    /// The group of the unified hierarchy that a process is in, by the text of its file `cgroup`, without a leading slash.
    static func name(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let name = String(line.dropFirst(4))
        return name.pathComponents.contains("..") ? nil : name
    }

    /// Where a process is whose file `cgroup` has this text, if that is beneath this group.
    func beneath(_ text: String) -> String? {
        guard let name = ContainerCgroup.name(in: text), name.hasPrefix(group.name + "/") else { return nil }
        return Cgroup(name, in: group.hierarchy).path
    }

    /// Changes a group that is in use; gives back what this machine cannot hold.
    func update(_ resources: ResourceSpecification) throws(OCIRuntimeError) -> [String] {
        try ResourceSettings.checkUsage(resources.memory, group.number("memory.current"))
        let update = ResourceSettings.completed(
            resources, cpuMax: try? group.text("cpu.max"), memoryMax: group.number("memory.max"))
        try scope?.set(UnitProperty.limits(update))
        return try apply(update)
    }

    /// Writes what the resources say; gives back what this machine cannot hold, one sentence each.
    func apply(_ resources: ResourceSpecification) throws(OCIRuntimeError) -> [String] {
        var missing: [String] = ResourceSettings.withoutMeaning(resources)
        if !resources.hugePages.isEmpty {
            try ResourceSettings.checkPageSizes(resources, kernel: PageSizes.ofThisKernel())
        }
        for setting in ResourceSettings.settings(resources) {
            do throws(CgroupError) {
                try group.set(setting.file, setting.value)
            } catch .kernel(let error) where error.code == ENOENT || error.code == EACCES && !setting.isUnified {
                if setting.isSecond { continue }
                guard !setting.isUnified else {
                    throw .unsupported(
                        field: "linux.resources.unified", cause: "\(setting.file) is not there: \(reason(setting.file))"
                    )
                }
                missing.append("\(setting.field) cannot be held: \(reason(setting.file))")
            } catch {
                throw .unsupported(field: setting.field, cause: error.description)
            }
        }
        return missing
    }

    private func reason(_ file: String) -> String {
        let controller = String(file.prefix { $0 != "." })
        guard !group.hierarchy.controllers.contains(controller) else { return "\(group.path) has no \(file)" }
        return "the \(controller) controller is not in the unified cgroup hierarchy of this host"
    }

    /// What the kernel has killed for want of memory in the group at a path and beneath; 0 where no controller counts it.
    static func memoryKills(at path: String) -> UInt64 {
        guard let text = try? readText(path + "/memory.events") else { return 0 }
        return Cgroup.counters(in: text)["oom_kill"] ?? 0
    }

    /// Whether the kernel ends all of the group, or of one above it, for want of memory in it (memory.oom.group).
    var endsAsOne: Bool {
        var parts = group.name.split(separator: "/")
        while !parts.isEmpty {
            let one = Cgroup(parts.joined(separator: "/"), in: group.hierarchy)
            if one.number("memory.oom.group") == 1 { return true }
            parts.removeLast()
        }
        return false
    }

    /// The processes of the group and all beneath, without those of other pid namespaces, which the kernel tells as 0: a signal to 0 would reach the
    /// caller's own process group.
    func processes() -> [Int32] { group.allProcesses().filter { $0 > 0 } }

    /// Kills all in it but one, and waits up to two seconds for their end.
    func endAll(but process: Int32) throws(OCIRuntimeError) {
        for _ in 0..<2000 {
            let others = processes().filter { $0 != process }
            if others.isEmpty { return }
            for other in others { Glibc.kill(other, SIGKILL) }
            usleep(1000)
        }
        throw .kernel(KernelError("end what hooks left in", group.path, ETIMEDOUT))
    }

    /// Kills what is left and takes the group away; waits up to two seconds for the kernel to let go of it.
    func end() throws(OCIRuntimeError) {
        guard let scope else { return try remove() }
        // Killed first: systemd itself would ask the processes to end, and wait.
        try? group.kill()
        // Also where systemd does not answer, what the container used is given back.
        do throws(OCIRuntimeError) { try scope.stop() } catch {
            try remove()
            throw error
        }
        try remove()
    }

    private func remove() throws(OCIRuntimeError) {
        for attempt in 0..<200 {
            do throws(CgroupError) { return try group.removeTree() } catch .kernel(let error) where error.code == EBUSY
            {
                if attempt == 199 { throw .kernel(error) }
                if attempt == 0 { try? group.kill() }
            } catch {
                return try cgroups { () throws(CgroupError) in throw error }
            }
            // It mostly has within the first millisecond.
            usleep(UInt32(min(10_000, 200 << min(attempt, 6))))
        }
    }

    /// Freezes or thaws and waits until it is so.
    func setFrozen(_ frozen: Bool) throws(OCIRuntimeError) {
        try cgroups { () throws(CgroupError) in try group.setFrozen(frozen) }
        for _ in 0..<2000 {
            if try cgroups({ () throws(CgroupError) in try group.isFrozen() }) == frozen { return }
            usleep(1000)
        }
        throw .kernel(KernelError(frozen ? "freeze" : "thaw", group.path, ETIMEDOUT))
    }
}
