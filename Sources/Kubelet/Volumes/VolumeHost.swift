import APIMachinery
import CRI
import Glibc
import KubernetesAPI
import Linux
import Synchronization

/// Makes pods' volumes on this node and takes them away. Every operation may be repeated.
struct VolumeHost: PodVolumes {
    let directories: PodDirectories
    let threads: BlockingThreads
    let ranges: UserRanges

    init(directories: PodDirectories, threads: BlockingThreads) {
        self.directories = directories
        self.threads = threads
        ranges = UserRanges(directories)
    }

    /// Where a volume's content is on the node.
    func path(of volume: Volume, _ pod: Pod) -> String {
        if let source = volume.hostPath { return source.path }
        if volume.isEmptyDirectory { return directories.emptyDirectory(pod.metadata.uid, volume.name) }
        return directories.files(pod.metadata.uid, volume.name)
    }

    func makeEmptyDirectory(
        _ source: EmptyDirVolumeSource, _ volume: String, _ pod: Pod
    ) async throws(OperationError) {
        let path = directories.emptyDirectory(pod.metadata.uid, volume)
        let group = pod.spec.securityContext.fsGroup.map { gid_t(truncatingIfNeeded: $0) }
        let size = source.medium == "Memory" ? (source.sizeLimit?.value ?? 0) : nil
        try await run("emptyDir \"\(volume)\"") { () throws(KernelError) in
            if let size {
                try Self.mountMemory(path, size: size, group: group)
            } else if access(path, F_OK) != 0 {
                try Self.makeShared(path, group: group)
            }
        }
    }

    /// Whole or not at all: one that is there is the pod's, with the mode that it has given it.
    private static func makeShared(_ path: String, group: gid_t?) throws(KernelError) {
        let new = path + ".new"
        try TreeRemoval.remove(new)
        try FileOperations.makeDirectories(new)
        if let group, chown(new, uid_t.max, group) != 0 { throw KernelError("chown", new) }
        guard chmod(new, group == nil ? 0o777 : 0o2777) == 0 else { throw KernelError("chmod", new) }
        guard rename(new, path) == 0 else { throw KernelError("rename", new) }
    }

    private static func mountMemory(_ path: String, size: Int64, group: gid_t?) throws(KernelError) {
        let mode = group.map { "mode=2777,gid=\($0)" } ?? "mode=777"
        try mountMemory(path, options: mode + (size > 0 ? ",size=\(size)" : ""))
    }

    /// Once: containers of a pod are made beside each other.
    static func mountMemory(_ path: String, options: String) throws(KernelError) {
        try FileOperations.makeDirectories(path)
        let code = mounting.withLock { _ -> Int32 in
            if isMountPoint(path) { return 0 }
            return mount("tmpfs", path, "tmpfs", UInt(MS_NOSUID | MS_NODEV), options) == 0 ? 0 : errno
        }
        guard code == 0 else { throw KernelError("mount tmpfs", path, code) }
    }

    private static let mounting = Mutex(())

    /// Checks, or makes, what a hostPath volume says it is.
    func checkHostPath(_ source: HostPathVolumeSource, _ volume: String) async throws(OperationError) {
        let path = source.path
        let type = source.type
        let failure: String? = try await run("hostPath \"\(volume)\"") { () throws(KernelError) in
            // What has no type is made as a directory where it is not there, as container runtimes do for Kubernetes.
            if type == "DirectoryOrCreate" || type.isEmpty && access(path, F_OK) != 0 {
                try FileOperations.makeDirectories(path)
            }
            if type == "FileOrCreate", access(path, F_OK) != 0 {
                _ = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
            }
            return Self.mismatch(path, type)
        }
        if let failure {
            throw OperationError(
                "FailedMount",
                "MountVolume.SetUp failed for volume \"\(volume)\": hostPath type check failed: \(failure)")
        }
    }

    private static func mismatch(_ path: String, _ type: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return "\(path) does not exist on the node" }
        let kind = status.st_mode & S_IFMT
        let expected: (mode_t, String)? =
            switch type {
            case "Directory", "DirectoryOrCreate": (S_IFDIR, "a directory")
            case "File", "FileOrCreate": (S_IFREG, "a file")
            case "Socket": (S_IFSOCK, "a socket")
            case "CharDevice": (S_IFCHR, "a character device")
            case "BlockDevice": (S_IFBLK, "a block device")
            default: nil
            }
        guard let expected, expected.0 != kind else { return nil }
        return "\(path) is not \(expected.1)"
    }

    func write(_ files: VolumeFiles, _ volume: String, _ pod: Pod) async throws(OperationError) {
        let directory = directories.files(pod.metadata.uid, volume)
        let group = pod.spec.securityContext.fsGroup.map { UInt32(truncatingIfNeeded: $0) }
        try await run("volume \"\(volume)\"") { () throws(KernelError) in
            try AtomicFiles(directory: directory).write(files, owner: group)
        }
    }

    /// Takes everything of the pod away: first all that is mounted among its files (a container may have shared a mount with the node, behind
    /// which another's data lies), then the files and the logs.
    func clean(_ uid: String, logs: String) async throws(OperationError) {
        try await takeAway([directories.pod(uid), directories.volatilePod(uid), logs], of: uid)
        ranges.release(uid)
    }

    /// As `clean`, for the volumes alone.
    func release(_ uid: String) async throws(OperationError) {
        try await takeAway(directories.volumes(uid), of: uid)
    }

    private func takeAway(_ roots: [String], of uid: String) async throws(OperationError) {
        try await run("volumes of pod \(uid)") { () throws(KernelError) in
            for root in roots {
                for place in try MountTable.places(beneath: root) { try HostMount.detach(place) }
                try TreeRemoval.remove(root)
            }
        }
    }

    /// The pods that have files here, for finding what a crash left.
    func pods() async -> Set<String> {
        let roots = ["\(directories.data)/pods", "\(directories.run)/pods"]
        let names = try? await threads.run("list pods") { () throws(KernelError) in
            roots.flatMap { FileOperations.names(in: $0) }
        }
        return Set(names ?? [])
    }

    private static func isMountPoint(_ path: String) -> Bool {
        var own = stat()
        var parent = stat()
        guard lstat(path, &own) == 0, lstat("\(path)/..", &parent) == 0 else { return false }
        return own.st_dev != parent.st_dev
    }

    func run<Value: Sendable>(
        _ what: String, _ body: @escaping @Sendable () throws(KernelError) -> Value
    ) async throws(OperationError) -> Value {
        do throws(KernelError) {
            return try await threads.run(what, body)
        } catch {
            throw OperationError("FailedMount", "\(what): \(error)")
        }
    }
}

extension Volume {
    /// A volume with no source is an emptyDir.
    var isEmptyDirectory: Bool { self.emptyDir != nil || storage.count == 1 }
}
