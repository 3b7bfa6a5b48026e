import Glibc
import Linux

/// The files of one instance, for its end. Under each directory only the names that Swiftlet itself makes are removed, so that a directory
/// which also holds others' files (a mistyped `--data-dir`) keeps those; a directory that is empty then goes too.
struct OwnFiles: Sendable {
    private static let run = ["node.sock", "cri.sock", "runtime", "kubelet", "network", "server.pid"]
    /// The id's file is the last: without it the next run could not name what is in the kernel.
    private static let data = [
        "store", "agent", "cri", "runtime", "kubelet", "timeline", "runs", RevisionMark.name, LogDirectories.name,
        "instance",
    ]
    private static let config = ["pki", "admin.kubeconfig", "config.yaml", "manifests"]

    private let configuration: DaemonConfiguration
    /// Directories of pods' logs.
    private let logs: [String]
    private let logRoots: [String]

    /// Reads whose the logs are, which removing forgets.
    init(_ configuration: DaemonConfiguration) throws(DaemonError) {
        self.configuration = configuration
        (logRoots, logs) = try DaemonError.wrapping("logs") { () throws(KernelError) in
            (try LogDirectories.all(configuration), try Self.podLogs(configuration))
        }
    }

    /// The directories of our pods' logs, in all log directories that this instance has had.
    static func podLogs(_ configuration: DaemonConfiguration) throws(KernelError) -> [String] {
        let timelines = Set(try TimelineDirectory(configuration).pods().map(\.directoryName))
        var uids: Set<String> = []
        for root in podFileRoots(configuration) { uids.formUnion(try names(in: root)) }
        var found: [String] = []
        for root in try LogDirectories.all(configuration) {
            found += ownLogs(among: try names(in: root), timelines: timelines, uids: uids).map { "\(root)/\($0)" }
        }
        return found
    }

    /// The directories that hold one for each pod, named for its uid.
    static func podFileRoots(_ configuration: DaemonConfiguration) -> [String] {
        [configuration.dataDirectory, configuration.runDirectory].map { "\($0)/kubelet/pods" }
    }

    /// The log directory may be shared with another kubelet: ours are the pods that we have a timeline or a directory of.
    static func ownLogs(among names: [String], timelines: Set<String>, uids: Set<String>) -> [String] {
        names.filter { name in
            timelines.contains(name) || name.split(separator: "_").last.map { uids.contains(String($0)) } ?? false
        }
    }

    /// The directories that mounts of ours can be in. Others may have mounts beside them.
    static func mountRoots(_ configuration: DaemonConfiguration) -> [String] {
        ["runtime", "kubelet"].flatMap {
            ["\(configuration.runDirectory)/\($0)", "\(configuration.dataDirectory)/\($0)"]
        }
    }

    /// What is mounted in them, deepest first in each.
    static func mounts(_ configuration: DaemonConfiguration) throws(KernelError) -> [FilePath] {
        var found: [FilePath] = []
        for root in mountRoots(configuration) { found += try MountTable.places(beneath: root) }
        return found
    }

    /// Sockets and what one boot holds, and what containers have written into their roots: without their records, which are gone with that, it is
    /// nobody's.
    func removeVolatile() throws(DaemonError) -> [String] {
        try remove(Self.run, in: configuration.runDirectory)
            + remove(["containers"], in: "\(configuration.dataDirectory)/runtime")
    }

    /// Logs, configuration and data, in this order.
    func removeLasting() throws(DaemonError) -> [String] {
        var removed: [String] = []
        for root in logRoots { removed += try remove(logs.filter { $0.hasPrefix(root + "/") }, and: root) }
        return try removed + remove(Self.config, in: configuration.configDirectory)
            + remove(Self.data, in: configuration.dataDirectory)
    }

    /// What others have put into our directories, and so stays.
    func others() throws(DaemonError) -> [String] {
        try DaemonError.wrapping("directories") { () throws(KernelError) in
            var found: [String] = []
            for root in [configuration.runDirectory, configuration.configDirectory, configuration.dataDirectory] {
                found += try Self.names(in: root).map { "\(root)/\($0)" }
            }
            return found
        }
    }

    private func remove(_ names: [String], in directory: String) throws(DaemonError) -> [String] {
        try remove(names.map { "\(directory)/\($0)" }, and: directory)
    }

    /// The directory too, where nothing else is in it.
    private func remove(_ paths: [String], and directory: String) throws(DaemonError) -> [String] {
        try DaemonError.wrapping("files") { () throws(KernelError) in
            var removed: [String] = []
            for path in paths where access(path, F_OK) == 0 {
                try TreeRemoval.remove(path)
                removed.append(path)
            }
            if rmdir(directory) == 0 { removed.append(directory) }
            return removed
        }
    }

    /// None where the directory is not there.
    static func names(in directory: String) throws(KernelError) -> [String] {
        do throws(KernelError) {
            return try OpenDirectory(directory).names()
        } catch  where error.code == ENOENT || error.code == ENOTDIR {
            return []
        }
    }
}
