import ContainerRuntime
import Glibc
import Linux
import PodNetwork

/// Removes what one instance has on this machine, found by its names: processes, cgroups, mounts, links, tables, then its files.
///
/// It reads no list of what was made: whatever bears the instance's id or lies under its directories is its own. Each step may find its work
/// done, so it can be repeated after a failure. The file with the id goes last of all data: without it the next run could name nothing.
package struct Uninstall: Sendable {
    private let configuration: DaemonConfiguration
    private let keepsData: Bool
    /// nil where no instance was ever started in these directories, or its data is gone.
    private let instance: InstanceName?
    private let kernel = SystemKernel()

    /// - Throws: where this is not root, or the daemon runs.
    package init(_ configuration: DaemonConfiguration, keepsData: Bool) throws(DaemonError) {
        self.configuration = configuration
        self.keepsData = keepsData
        guard geteuid() == 0 else { throw DaemonError("uninstall must run as root; try sudo") }
        if let process = InstanceFiles.runningDaemon(configuration) {
            throw DaemonError(
                "the daemon runs (process \(process)); stop it first: `systemctl disable --now swiftlet` (of an agent: `swiftlet-agent`) or `kill \(process)`"
            )
        }
        let id = try InstanceFiles.existingID(configuration)
        instance = id.flatMap { InstanceName($0) }
        if let id, instance == nil {
            throw DaemonError("\(configuration.dataDirectory)/instance holds no instance id: \"\(id)\"")
        }
    }

    package var question: String {
        let data = keepsData ? "" : ", all data in \(configuration.dataDirectory) and \(configuration.configDirectory)"
        return
            "This ends all pods of instance \(instance?.id ?? "(none)") and removes what it has on this machine\(data)."
    }

    package struct Report: Sendable {
        /// A line each.
        package var removed: [String] = []
        /// Others' files in our directories.
        package var kept: [String] = []
        /// Whether store, images, volumes, logs and configuration were to stay.
        package var keepsData = false

        /// What is to be said at the end.
        package var closing: String {
            if keepsData { return "the data and the configuration are left, as asked" }
            guard kept.isEmpty else { return "nothing of Swiftlet's is left; what was kept is named above" }
            return removed.isEmpty ? "nothing was there" : "nothing is left"
        }
    }

    package func run() throws(DaemonError) -> Report {
        let files = try OwnFiles(configuration)
        var report = Report()
        if let instance { report.removed += try endProcesses(instance) + removeProfile(instance) }
        report.removed += try unmount()
        if let instance { report.removed += try removeNetwork(instance) }
        report.removed += try files.removeVolatile()
        // Before the id goes: what is still there must be found by it.
        try confirm()
        report.keepsData = keepsData
        guard !keepsData else {
            // No pod holds this node to its share of the cluster's network any more.
            try MembershipFiles(configuration).forgetPodNetwork()
            return report
        }
        report.removed += try files.removeLasting()
        report.kept = try files.others()
        return report
    }

    // MARK: - Steps

    private func endProcesses(_ instance: InstanceName) throws(DaemonError) -> [String] {
        try DaemonError.wrapping("processes and cgroups") { () throws(KernelError) in
            var removed: [String] = []
            for group in try cgroups(instance) {
                removed += try kernel.processes(beneath: group).map { "process \($0)" }
                try kernel.killCgroup(group, deadline: .seconds(20))
                try kernel.removeCgroup(group)
                removed.append("cgroup \(group)")
            }
            return removed
        }
    }

    /// Those that are there: our own subtree, under whichever parent, and what pods of another kubelet have under its.
    private func cgroups(_ instance: InstanceName) throws(KernelError) -> [String] {
        guard let hierarchy = try? CgroupHierarchy.find() else { return [] }
        let paths = RuntimePaths(configuration, instance: instance.id, in: hierarchy)
        let own = try RuntimeInventory.ownCgroups(paths, kernel: kernel)
        let further = [paths.cgroupRoot].filter { !own.contains($0) && access($0, F_OK) == 0 }
        return try RuntimeInventory.foreignCgroups(paths, kernel: kernel) + own + further
    }

    /// Only once nothing runs under it: what does would be free.
    private func removeProfile(_ instance: InstanceName) throws(DaemonError) -> [String] {
        guard let profile = loadedProfile(instance) else { return [] }
        try DaemonError.wrapping("AppArmor") { () throws(KernelError) in try kernel.unload(profile) }
        return ["AppArmor profile \(profile.name)"]
    }

    private func loadedProfile(_ instance: InstanceName) -> OwnProfile? {
        guard let hierarchy = try? CgroupHierarchy.find() else { return nil }
        let profile = RuntimePaths(configuration, instance: instance.id, in: hierarchy).profile
        return kernel.appArmor()?.has(profile.name) == true ? profile : nil
    }

    private func unmount() throws(DaemonError) -> [String] {
        try DaemonError.wrapping("mounts") { () throws(KernelError) in
            var removed: [String] = []
            for mount in try OwnFiles.mounts(configuration) {
                try Leftover(.mount, mount).clear(kernel, deadline: .zero)
                removed.append("mount \(mount)")
            }
            return removed
        }
    }

    private func removeNetwork(_ instance: InstanceName) throws(DaemonError) -> [String] {
        try DaemonError.wrapping("network") { () throws(PodNetworkError) in
            let owned = try PodNetwork.owned(instance: instance)
            try PodNetwork.removeAll(instance: instance, stateDirectory: configuration.networkState)
            return owned.links.map { "link \($0)" } + owned.tables.map { "nftables table \($0)" }
                + owned.routes.map { "route to \($0)" }
        }
    }

    /// Looks again, by the names alone.
    private func confirm() throws(DaemonError) {
        var left: [String] = []
        if let instance {
            let owned = try DaemonError.wrapping("network") { () throws(PodNetworkError) in
                try PodNetwork.owned(instance: instance)
            }
            left += owned.links + owned.tables + owned.routes
            left += try DaemonError.wrapping("cgroups") { () throws(KernelError) in try cgroups(instance) }
            if let profile = loadedProfile(instance) { left.append("AppArmor profile \(profile.name)") }
        }
        left += try DaemonError.wrapping("mounts") { () throws(KernelError) in
            try OwnFiles.mounts(configuration).map(\.description)
        }
        guard left.isEmpty else {
            throw DaemonError("still there: \(left.joined(separator: ", ")); run uninstall again")
        }
    }
}
