import ContainerRuntime
import Glibc
import Linux

/// Our launch path: one pod's monitor, then container after container; and whole pods.
struct OwnBench {
    private let base = "/tmp/swiftlet-launch-bench-\(getpid())"
    private let group: Cgroup
    private let spawner: PodMonitorSpawner
    private let filter: SeccompProgram

    init(monitor: String) throws {
        filter = try defaultFilter()
        mkdir(base, 0o700)
        for part in ["/root", "/root/bin"] { mkdir(base + part, 0o755) }
        try command(["/bin/cp", "/bin/busybox", base + "/root/bin/busybox"])
        symlink("busybox", base + "/root/bin/sleep")
        group = Cgroup("swiftlet-launch-bench-\(getpid())", in: try CgroupHierarchy.find())
        try group.create()
        spawner = try PodMonitorSpawner(
            executable: monitor, events: try EventThread(), threads: BlockingThreads(count: 2))
    }

    func run(rounds: Int) async throws {
        var spawning = Samples()
        var containers = Samples()
        var started = Samples()
        var pods = Samples()
        for round in 0..<rounds / 10 {
            let start = now()
            let (pod, cgroup) = try await makePod("p\(round)")
            spawning.add(since: start)
            try await launch("c", pod, cgroup, &pods, since: start)
            if round == 0 {
                for index in 0..<rounds {
                    try await launch("c\(index)", pod, cgroup, &containers, since: nil)
                    try await prepareAndStart("s\(index)", pod, cgroup, &started)
                }
            }
            try await pod.shutdown()
        }
        print(containers.line("swiftlet  container, create to exec'd"))
        print(started.line("swiftlet  start of a created container"))
        print(spawning.line("swiftlet  pod monitor with namespaces, greeted"))
        print(pods.line("swiftlet  pod monitor and first container exec'd"))
    }

    func makePod(_ name: String) async throws -> (any PodMonitoring, Cgroup) {
        let directory = base + "/" + name
        mkdir(directory, 0o700)
        let cgroup = group.child(name)
        try cgroup.create()
        var configuration = PodMonitorConfiguration(pod: name, directory: directory, cgroup: cgroup.path)
        configuration.hostname = name
        return (try await spawner.spawn(configuration), cgroup)
    }

    func container(_ id: String, _ cgroup: Cgroup) throws -> ContainerLaunch {
        let directory = base + "/" + (cgroup.name.split(separator: "/").last.map(String.init) ?? "")
        for part in ["upper", "work"] { mkdir("\(directory)/\(id).\(part)", 0o755) }
        try cgroup.child(id).create()
        var process = ProcessPlan(arguments: ["sleep", "1000"], environment: ["PATH=/bin"])
        process.seccomp = filter
        let plan = LaunchPlan(
            process: process,
            root: .overlay(
                lower: [base + "/root"], upper: "\(directory)/\(id).upper", work: "\(directory)/\(id).work"),
            cgroup: cgroup.child(id).path)
        return ContainerLaunch(id: id, plan: plan, log: LogFile(path: "\(directory)/\(id).log"))
    }

    private func launch(
        _ id: String, _ pod: any PodMonitoring, _ cgroup: Cgroup, _ samples: inout Samples, since: UInt64?
    ) async throws {
        let start = since ?? now()
        try await run(id, pod, cgroup)
        samples.add(since: start)
        try await end(id, pod)
    }

    func run(_ id: String, _ pod: any PodMonitoring, _ cgroup: Cgroup) async throws {
        _ = try await pod.create(container(id, cgroup))
        _ = try await pod.start(id)
    }

    private func prepareAndStart(
        _ id: String, _ pod: any PodMonitoring, _ cgroup: Cgroup, _ samples: inout Samples
    ) async throws {
        _ = try await pod.create(container(id, cgroup))
        let start = now()
        _ = try await pod.start(id)
        samples.add(since: start)
        try await end(id, pod)
    }

    private func end(_ id: String, _ pod: any PodMonitoring) async throws {
        try await pod.kill(id)
        for await exit in pod.exits {
            try await pod.acknowledge(upTo: exit.number)
            break
        }
        try await pod.remove(id)
    }

    func clean() throws {
        try group.kill()
        for _ in 0..<200 where (try? group.removeTree()) == nil { usleep(10_000) }
        try command(["/bin/rm", "-rf", base])
    }
}

/// Runs a program and waits for it; its output goes where ours goes.
func command(_ arguments: [String]) throws {
    var pid = pid_t()
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    argv.append(nil)
    defer { for text in argv { free(text) } }
    let code = posix_spawn(&pid, arguments[0], nil, nil, argv, environ)
    guard code == 0 else { throw KernelError("spawn", arguments[0], code) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else { throw KernelError("run", arguments.joined(separator: " "), EIO) }
}
