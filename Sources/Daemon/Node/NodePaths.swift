import ContainerRuntime
import Glibc
import Linux

/// Where this instance's runtime keeps what it has, and the monitor's executable.
struct NodePaths: Sendable {
    let runtime: RuntimePaths
    let monitor: String

    init(_ configuration: DaemonConfiguration, instance: InstanceFiles) throws(DaemonError) {
        let hierarchy = try DaemonError.wrapping("cgroups") { () throws(CgroupError) in try CgroupHierarchy.find() }
        try Self.checkParent(configuration, instance.id, in: hierarchy)
        runtime = RuntimePaths(configuration, instance: instance.id, in: hierarchy)
        monitor = configuration.monitorPath.isEmpty ? Self.besideOwnExecutable : configuration.monitorPath
    }

    /// An instance clears away all in its own group that no record of its speaks of.
    /// - Throws: where the parent is this instance's, or another's, or beneath it. Groups are gone after a boot: one that is called as an instance's is
    /// another's unless it is there without pods.
    static func checkParent(
        _ configuration: DaemonConfiguration, _ instance: String, in hierarchy: CgroupHierarchy
    ) throws(DaemonError) {
        var path = hierarchy.mountPoint
        for name in configuration.cgroupParent.split(separator: "/") {
            path += "/\(name)"
            let isOwn = name == "swiftlet-\(instance)"
            let isThere = access(path, F_OK) == 0
            let isAnothers = InstanceFiles.isGroup(name) && (!isThere || access(path + "/pods", F_OK) == 0)
            guard isOwn || isAnothers else { continue }
            let owner = isOwn ? "is in the" : isThere ? "is in another" : "is, by its name, in another"
            try DaemonError.ofSettings { () throws(DaemonError) in
                throw DaemonError(
                    "cgroup-parent \(configuration.cgroupParent) \(owner) instance's own group \(name), "
                        + "where it ends what it does not know; name one outside it")
            }
        }
    }

    /// The cgroup that all of an instance's pods are under: its own by its name, since the uninstallation kills all that is in it.
    static func cgroupRoot(
        _ configuration: DaemonConfiguration, _ instance: String, in hierarchy: CgroupHierarchy
    ) -> String {
        let parents = configuration.cgroupParent.split(separator: "/").map { "/\($0)" }.joined()
        return "\(hierarchy.mountPoint)\(parents)/swiftlet-\(instance)"
    }

    private static var besideOwnExecutable: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
        return "\(directory)/swiftlet-podmonitor"
    }
}

extension RuntimePaths {
    init(_ configuration: DaemonConfiguration, instance: String, in hierarchy: CgroupHierarchy) {
        self.init(
            data: "\(configuration.dataDirectory)/runtime", state: "\(configuration.runDirectory)/runtime",
            cgroupRoot: NodePaths.cgroupRoot(configuration, instance, in: hierarchy),
            cgroupMount: hierarchy.mountPoint,
            deviceFiles: configuration.deviceFiles.split(separator: ",").map(String.init))
    }
}
