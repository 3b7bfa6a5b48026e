import Glibc
import Linux

extension SystemKernel {
    package func prepare(cgroupRoot: String) throws(KernelError) -> HostFeatures {
        try makeDeepCgroup(cgroupRoot)
        return HostFeatures(
            controllers: Set(try words(cgroupRoot, "cgroup.controllers")),
            capabilities: Capability.held, devices: try DeviceScan.devices())
    }

    package func makeCgroup(_ path: String) throws(KernelError) {
        try WholeFile.makeDirectories(path)
    }

    package func makeParentCgroup(_ path: String) throws(KernelError) {
        try makeCgroup(path)
        try passOnControllers(path)
    }

    package func makeDeepCgroup(_ path: String) throws(KernelError) {
        try makeCgroup(path)
        let slashes = path.indices.filter { path[$0] == "/" && $0 != path.startIndex }
        for group in slashes.map({ String(path[..<$0]) }) where access(group + "/cgroup.controllers", F_OK) == 0 {
            try passOnControllers(group)
        }
        try passOnControllers(path)
    }

    /// Children of `path` get all that it has. A controller that cannot be passed on (threads with realtime policies hold `cpu` back) is left out:
    /// what children then have says so. So is that of huge pages where the machine has none: it would make every cgroup dearer.
    private func passOnControllers(_ path: String) throws(KernelError) {
        let available = try words(path, "cgroup.controllers")
        let passed = Set(try words(path, "cgroup.subtree_control"))
        let missing = available.filter {
            !passed.contains($0)
                && (["cpu", "cpuset", "io", "memory", "pids"].contains($0) || $0 == "hugetlb" && hasHugePages())
        }
        if missing.isEmpty { return }
        do throws(KernelError) {
            let text = missing.map { "+" + $0 }.joined(separator: " ")
            try writeCgroup(path, file: "cgroup.subtree_control", value: text)
        } catch {
            for controller in missing {
                try? writeCgroup(path, file: "cgroup.subtree_control", value: "+" + controller)
            }
        }
    }

    package func writeCgroup(_ path: String, file: String, value: String) throws(KernelError) {
        try writeText(value, to: path + "/" + file)
    }

    package func readCgroup(_ path: String, file: String) throws(KernelError) -> String {
        try readText(path + "/" + file)
    }

    private func words(_ path: String, _ file: String) throws(KernelError) -> [String] {
        try readCgroup(path, file: file).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    package func killCgroup(_ path: String, deadline: Duration) throws(KernelError) {
        do throws(KernelError) {
            try writeCgroup(path, file: "cgroup.kill", value: "1")
        } catch  where error.code == ENOENT {
            return
        }
        let events = try Descriptor.open(path + "/cgroup.events", O_RDONLY)
        var remaining = Int32(clamping: deadline.components.seconds &* 1000)
        while true {
            guard lseek(events.raw, 0, SEEK_SET) == 0 else { throw KernelError("seek", path) }
            let text = Self.text(try WholeFile.readPseudo(events, path: path))
            if CgroupFiles.field("populated", of: text) == 0 { return }
            guard remaining > 0 else { throw KernelError("wait for the end of all processes in", path, ETIMEDOUT) }
            // The kernel marks the file when its content changes; the slice guards against a change between read and poll.
            var entry = pollfd(fd: events.raw, events: Int16(POLLPRI), revents: 0)
            _ = poll(&entry, 1, min(remaining, 100))
            remaining -= 100
        }
    }

    package func removeCgroup(_ path: String) throws(KernelError) { try CgroupTree.remove(FilePath(path)) }

    package func childCgroups(of path: String) throws(KernelError) -> [String] {
        try groups(in: FilePath(path)).map(\.description).sorted()
    }

    /// The names of the groups in a group: any bytes, where a container makes them. Others' groups are met too: one that goes while it is looked at
    /// is none.
    private func groups(in cgroup: FilePath) throws(KernelError) -> [FilePath] {
        var groups: [FilePath] = []
        do throws(KernelError) {
            let directory = try OpenDirectory(cgroup)
            for name in try directory.fileNames() {
                do throws(KernelError) {
                    if try directory.status(of: name).st_mode & S_IFMT == S_IFDIR { groups.append(name) }
                } catch  where Self.isGone(error) {
                    continue
                }
            }
        } catch  where Self.isGone(error) {
            return groups
        }
        return groups
    }

    /// A group's file that was open when the group went answers ENODEV.
    private static func isGone(_ error: KernelError) -> Bool { error.code == ENOENT || error.code == ENODEV }

    package func processes(beneath path: String) throws(KernelError) -> [Int32] {
        try CgroupTree.processes(beneath: FilePath(path))
    }
}

/// The device nodes of the host's /dev.
enum DeviceScan {
    /// Those that a container has of its own, and the directories of other filesystems.
    private static let own: Set<String> = [
        "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin",
        "stdout", "stderr", "core",
    ]

    /// Two levels deep, at most 1,024.
    static func devices() throws(KernelError) -> [HostDevice] {
        var found: [HostDevice] = []
        let root = try OpenDirectory("/dev")
        for name in try root.fileNames() where !own.contains(name.description) {
            guard let status = try? root.status(of: name) else { continue }
            if status.st_mode & S_IFMT == S_IFDIR, let directory = try? root.directory(name) {
                for child in (try? directory.fileNames()) ?? [] {
                    guard let status = try? directory.status(of: child) else { continue }
                    append("/dev/\(name)/\(child)", status, to: &found)
                }
            } else {
                append("/dev/\(name)", status, to: &found)
            }
        }
        return found
    }

    private static func append(_ path: String, _ status: stat, to found: inout [HostDevice]) {
        guard found.count < 1_024, let device = HostDevice(status, path: path) else { return }
        found.append(device)
    }
}
