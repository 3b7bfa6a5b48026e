import CLaunch
import Glibc
import Launch
import OCISpecification

/// The way into a scope. systemd makes one around a process alone, and the container's first is cloned into its cgroup: so a process that does
/// nothing holds the scope until then. It dies with this program, whatever ends that, and the scope dies with it.
final class ScopeEntry: Sendable {
    let cgroup: ContainerCgroup
    private let holder: HoldingProcess
    /// What could not hold yet; nil where all does.
    private let rest: ResourceSpecification?

    private init(_ cgroup: ContainerCgroup, _ holder: consuming HoldingProcess, _ rest: ResourceSpecification?) {
        self.cgroup = cgroup
        self.holder = holder
        self.rest = rest
    }

    /// Makes the scope with those limits that systemd knows.
    static func make(
        _ name: ScopeName, container: String, resources: ResourceSpecification, annotations: [String: String]
    ) throws(OCIRuntimeError) -> ScopeEntry {
        let own = try PropertyText.properties(annotations)
        let hierarchy = try cgroups { () throws(CgroupError) in try CgroupHierarchy.find() }
        let roomy = resources.withRoomForOneMore
        let holder = try HoldingProcess.start()
        let scope = SystemdScope(unit: name.unit)
        try scope.start(
            UnitProperty.scope(name.slice, container: container, processID: holder.processID)
                + UnitProperty.limits(roomy) + own)
        let cgroup = ContainerCgroup(
            group: Cgroup(try place(of: holder.processID, name.unit), in: hierarchy), scope: scope)
        if resources.needsMoreThanUnits { cgroup.giveControllers() }
        return ScopeEntry(cgroup, holder, roomy == resources ? nil : resources)
    }

    /// The unit's group, in which the process is. A systemd that executed itself anew meanwhile may take two seconds to put it there.
    private static func place(of process: Int32, _ unit: String) throws(OCIRuntimeError) -> String {
        for _ in 0..<100 {
            let text = try kernel { () throws(KernelError) in try readText("/proc/\(process)/cgroup") }
            if let path = path(in: text, of: unit) { return path }
            usleep(20_000)
        }
        throw .unit(name: unit, .malformed("its process \(process) was not put into it"))
    }

    /// Where a process is by its file `cgroup`, if that is the unit's group.
    static func path(in text: String, of unit: String) -> String? {
        guard let path = ContainerCgroup.name(in: text) else { return nil }
        return path.split(separator: "/").last.map(String.init) == unit ? path : nil
    }

    /// The container is in it.
    func leave() throws(OCIRuntimeError) {
        holder.end()
        if let rest { _ = try cgroup.update(rest) }
    }
}

/// A process that does nothing.
private struct HoldingProcess: ~Copyable, Sendable {
    let processID: Int32
    private let handle: Descriptor

    private init(_ processID: Int32, _ handle: consuming Descriptor) {
        self.processID = processID
        self.handle = handle
    }

    static func start() throws(OCIRuntimeError) -> HoldingProcess {
        var number: Int32 = 0
        let raw = crt_hold(&number)
        guard raw >= 0 else { throw .kernel(KernelError("clone", "a process for the scope", -raw)) }
        return HoldingProcess(number, Descriptor(owning: raw))
    }

    deinit { crt_end(handle.raw) }

    /// At once; once more does nothing.
    borrowing func end() { crt_end(handle.raw) }
}

extension ResourceSpecification {
    /// Whether it asks for controllers that systemd gives to nobody, such as hugetlb.
    var needsMoreThanUnits: Bool {
        ResourceSettings.settings(self).contains {
            !["cpu", "cpuset", "io", "memory", "pids"].contains($0.controller)
        }
    }

    /// With room for a second process where there is to be one alone.
    var withRoomForOneMore: ResourceSpecification {
        guard ResourceSettings.settings(self).last(where: { $0.file == "pids.max" })?.value == "1" else { return self }
        var roomy = self
        roomy.unified["pids.max"] = nil
        roomy.processes = 2
        return roomy
    }
}
