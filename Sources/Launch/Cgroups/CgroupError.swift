/// What went wrong with a cgroup.
package enum CgroupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No cgroup2 filesystem is mounted: containers cannot be run.
    case noUnifiedHierarchy
    case kernel(KernelError)

    package var description: String {
        switch self {
        case .noUnifiedHierarchy:
            "no cgroup2 filesystem is mounted: mount one, or boot with systemd.unified_cgroup_hierarchy=1"
        case .kernel(let error): error.description
        }
    }
}
