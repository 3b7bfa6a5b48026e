/// What went wrong with a cgroup.
package enum CgroupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No cgroup2 filesystem is mounted: containers cannot be run.
    case noUnifiedHierarchy
    /// The controller is not in the unified hierarchy (on a hybrid host it is bound to v1), so this limit cannot hold.
    case controllerMissing(controller: String, limit: String, group: String)
    case kernel(KernelError)

    package var description: String {
        switch self {
        case .noUnifiedHierarchy:
            "no cgroup2 filesystem is mounted: mount one, or boot with systemd.unified_cgroup_hierarchy=1"
        case .controllerMissing(let controller, let limit, let group):
            "\(limit) of \(group) cannot be held: the \(controller) controller is not in the unified cgroup hierarchy"
        case .kernel(let error): error.description
        }
    }
}
