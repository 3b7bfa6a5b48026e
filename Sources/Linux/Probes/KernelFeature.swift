import CLaunch
import Glibc

/// Something the runtime asks of the kernel, and what follows where it is missing: the lines of `swiftlet check`.
package struct KernelFeature: Sendable, Equatable {
    package enum Importance: String, Sendable { case required, recommended, optional }

    package let name: String
    package let isPresent: Bool
    package let importance: Importance
    /// What does not work without it.
    package let consequence: String

    init(_ name: String, _ isPresent: Bool, _ importance: Importance, _ consequence: String) {
        self.name = name
        self.isPresent = isPresent
        self.importance = importance
        self.consequence = consequence
    }

    /// Looks at everything once; a few milliseconds of system calls, so not for the cooperative pool.
    package static func all() -> [KernelFeature] {
        calls() + namespaces() + filesystems() + cgroups() + appArmor() + selinux() + rights()
    }

    private static func calls() -> [KernelFeature] {
        func has(_ probe: some BinaryInteger) -> Bool { cmnt_probe(UInt32(probe)) != 0 }
        return [
            KernelFeature("clone3", has(CMNT_PROBE_CLONE3), .required, "no container can be started"),
            KernelFeature("openat2", has(CMNT_PROBE_OPENAT2), .required, "no container can be started"),
            KernelFeature(
                "mount by descriptor (fsopen)", has(CMNT_PROBE_FSOPEN), .required,
                "no container can be started"),
            KernelFeature(
                "mount_setattr", has(CMNT_PROBE_MOUNT_SETATTR), .required, "no container can be started"),
            KernelFeature("pidfd", has(CMNT_PROBE_PIDFD), .required, "no container can be supervised"),
            KernelFeature(
                "close_range", has(CMNT_PROBE_CLOSE_RANGE), .required, "no container can be started"),
            KernelFeature(
                "seccomp filters", has(CMNT_PROBE_SECCOMP), .required,
                "containers with a seccomp profile cannot be started"),
            KernelFeature(
                "BPF device programs", has(CMNT_PROBE_BPF), .required,
                "only privileged containers can be started: device access cannot be restricted"),
        ]
    }

    private static func namespaces() -> [KernelFeature] {
        let named = [
            ("mnt", "mount"), ("pid", "pid"), ("net", "network"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"),
        ]
        return named.map { file, name in
            KernelFeature(
                "\(name) namespaces", access("/proc/self/ns/\(file)", F_OK) == 0, .required,
                "no container can be isolated")
        } + [
            KernelFeature(
                "user namespaces, and tmpfs with mapped ids (Linux 6.3)", UserMaps.obstacle() == nil, .optional,
                "pods with hostUsers: false cannot be started")
        ]
    }

    private static func filesystems() -> [KernelFeature] {
        let known = (try? readText("/proc/filesystems")) ?? ""
        let names = Set(known.split(separator: "\n").compactMap { $0.split(separator: "\t").last.map(String.init) })
        return [
            KernelFeature("overlay filesystem", names.contains("overlay"), .required, "no image can be mounted"),
            KernelFeature("tmpfs", names.contains("tmpfs"), .required, "no container can be started"),
            KernelFeature(
                "message queues (mqueue)", names.contains("mqueue"), .required,
                "containers cannot have /dev/mqueue and are not started"),
        ]
    }

    private static func cgroups() -> [KernelFeature] {
        let hierarchy = try? CgroupHierarchy.find()
        let limits = [
            ("memory", "the kernel holds no memory limits: each container's memory is checked twice a second"),
            ("cpu", "CPU limits and requests cannot be held"), ("pids", "process limits cannot be held"),
            ("cpuset", "containers cannot be bound to processors"), ("io", "disk limits cannot be held"),
        ]
        return [
            KernelFeature("cgroup v2", hierarchy != nil, .required, "no container can be started"),
            KernelFeature(
                "cgroup.kill", hierarchy.map { hasKill($0) } ?? false, .required,
                "containers cannot be killed as a whole"),
        ]
            + limits.map { controller, consequence in
                KernelFeature(
                    "cgroup v2 \(controller) controller", hierarchy?.controllers.contains(controller) ?? false,
                    controller == "cpuset" || controller == "io" ? .optional : .recommended, consequence)
            }
    }

    /// The root has no such file: any group beneath shows whether the kernel has it (since 5.14). With no group to look
    /// at, the floor of Linux 6.1 is relied on.
    private static func hasKill(_ hierarchy: CgroupHierarchy) -> Bool {
        for group in Cgroup("", in: hierarchy).children() {
            return access((group / "cgroup.kill").cString, F_OK) == 0
        }
        return true
    }

    private static func appArmor() -> [KernelFeature] {
        let isEnabled = AppArmor.isEnabled
        let module = KernelFeature(
            "AppArmor", isEnabled, .optional, "pods that ask for an AppArmor profile are refused")
        guard isEnabled else { return [module] }
        let parser = KernelFeature(
            "apparmor_parser", access(AppArmor.parser, X_OK) == 0, .optional,
            "containers run without the runtime's own AppArmor profile; package apparmor has it")
        return [module, parser]
    }

    private static func selinux() -> [KernelFeature] {
        [KernelFeature("SELinux", SELinux.isEnabled, .optional, "SELinux options of pods are passed over")]
    }

    private static func rights() -> [KernelFeature] {
        let held = Capability.held
        let missing = Capability.names(in: Capability.all & ~held)
        return [
            KernelFeature("root", geteuid() == 0, .required, "the node agent cannot run"),
            KernelFeature(
                "all capabilities" + (missing.isEmpty ? "" : " (missing: \(missing.joined(separator: ", ")))"),
                missing.isEmpty, .recommended,
                "privileged containers get fewer rights; OOM scores cannot be lowered without CAP_SYS_RESOURCE"),
        ]
    }
}
