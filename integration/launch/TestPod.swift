import ContainerRuntime
import Glibc
import Linux

/// Where the checks live on this machine, removed at the end.
struct TestGround {
    let base: String
    let group: Cgroup
    let spawner: PodMonitorSpawner
    let seccomp = SeccompCompiler()

    init(monitor: String, base: String) throws {
        self.base = base
        mkdir(base, 0o700)
        group = Cgroup("swiftlet-launch-check-\(getpid())", in: try CgroupHierarchy.find())
        try group.create()
        spawner = try PodMonitorSpawner(
            executable: monitor, events: try EventThread(), threads: BlockingThreads(count: 2))
        try makeRoot()
    }

    var rootfs: String { base + "/rootfs" }

    /// A root directory of a static busybox with the usual programs as links.
    private func makeRoot() throws {
        for directory in ["", "/bin", "/tmp", "/etc"] { mkdir(rootfs + directory, 0o755) }
        let source = try Descriptor.open("/bin/busybox", O_RDONLY)
        let target = try Descriptor.open(rootfs + "/bin/busybox", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o755)
        var status = stat()
        fstat(source.raw, &status)
        guard sendfile(target.raw, source.raw, nil, Int(status.st_size)) == status.st_size else {
            throw KernelError("copy", "busybox")
        }
        let programs = [
            "sh", "cat", "ls", "ps", "id", "hostname", "sleep", "echo", "mount", "kill", "dd", "touch", "tty", "stty",
            "head", "readlink", "mknod", "yes", "true", "pwd", "grep", "ip", "wc",
        ]
        for program in programs { symlink("busybox", rootfs + "/bin/" + program) }
        try writeNew("not a program", to: rootfs + "/bin/data", mode: 0o644)
    }

    private func writeNew(_ text: String, to path: String, mode: mode_t) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        _ = Array(text.utf8).withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
    }

    func pod(_ name: String, _ change: (inout PodMonitorConfiguration) -> Void = { _ in }) async throws -> TestPod {
        let directory = base + "/" + name
        mkdir(directory, 0o700)
        let cgroup = group.child(name)
        try cgroup.create()
        var configuration = PodMonitorConfiguration(pod: name, directory: directory, cgroup: cgroup.path)
        configuration.hostname = name
        change(&configuration)
        let monitor = try await spawner.spawn(configuration)
        return TestPod(ground: self, name: name, directory: directory, cgroup: cgroup, monitor: monitor)
    }

    func clean() throws {
        try group.kill()
        for _ in 0..<200 where (try? group.removeTree()) == nil { usleep(10_000) }
        removeTree(base, depth: 16)
    }

    private func removeTree(_ path: String, depth: Int) {
        var status = stat()
        guard depth > 0, lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR, let directory = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { removeTree(path + "/" + name, depth: depth - 1) }
        }
        closedir(directory)
        rmdir(path)
    }
}

/// A pod of the checks.
struct TestPod {
    let ground: TestGround
    let name: String
    let directory: String
    let cgroup: Cgroup
    let monitor: any PodMonitoring

    /// A container over a fresh overlay, with the default capabilities and seccomp profile.
    func container(_ id: String, _ arguments: [String]) throws -> ContainerLaunch {
        for part in ["upper", "work"] { mkdir("\(directory)/\(id).\(part)", 0o755) }
        try cgroup.child(id).create()
        let plan = LaunchPlan(
            process: try process(arguments),
            root: .overlay(
                lower: [ground.rootfs], upper: "\(directory)/\(id).upper", work: "\(directory)/\(id).work"),
            cgroup: cgroup.child(id).path)
        return ContainerLaunch(id: id, plan: plan, log: LogFile(path: "\(directory)/\(id).log"))
    }

    func process(_ arguments: [String]) throws -> ProcessPlan {
        var process = ProcessPlan(arguments: arguments, environment: ["PATH=/bin", "HOME=/"])
        let profile = SeccompProfile.containerDefault(capabilities: process.capabilities.bounding)
        process.seccomp = try ground.seccomp.program(for: profile)
        return process
    }

    /// Runs a shell script in a container of its own to its end.
    func shell(
        _ id: String, _ script: String, _ change: (inout ContainerLaunch) -> Void = { _ in }
    ) async throws -> (text: String, exit: ProcessExit) {
        var launch = try container(id, ["sh", "-c", "trap 'echo \(Self.end)' EXIT\n" + script])
        change(&launch)
        _ = try await monitor.run(launch)
        let exit = try await nextExit()
        // A shell that is killed does not tell its end.
        let patience = exit.signal == 0 ? 6_000 : 200
        for _ in 0..<patience where !rawLog(id).contains(Self.end) { try await Task.sleep(for: .milliseconds(10)) }
        return (log(id), exit)
    }

    /// What `shell` has its script say last: on a busy machine an exit does not wait for the log, which a process of its own writes.
    private static let end = "nothing-follows"

    /// The log once it holds `text`, or as it is after a minute.
    func log(_ id: String, with text: String) async throws -> String {
        for _ in 0..<6_000 where !log(id).contains(text) { try await Task.sleep(for: .milliseconds(10)) }
        return log(id)
    }

    func nextExit() async throws -> ProcessExit {
        for await exit in monitor.exits {
            try await monitor.acknowledge(upTo: exit.number)
            return exit
        }
        throw PodMonitorError.monitorGone(pod: name)
    }

    /// A container's log without the format's prefix.
    func log(_ id: String) -> String {
        let text = (try? readText("\(directory)/\(id).log")) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).first ?? ""
        }.joined(separator: "\n").replacing(Self.end + "\n", with: "")
    }

    func rawLog(_ id: String) -> String { (try? readText("\(directory)/\(id).log")) ?? "" }
}

/// All that a stream gives until it ends.
func everything(of stream: DescriptorStream?) async throws -> String {
    guard let stream else { return "" }
    var bytes: [UInt8] = []
    while case let more = try await stream.read(), !more.isEmpty { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
}
