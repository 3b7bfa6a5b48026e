import APIMachinery
import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import PodNetwork
import Synchronization

/// The pod network behind the runtime's seam, as the composition root joins the two.
struct Links: SandboxNetwork {
    var problem: String? { nil }

    let network: PodNetwork

    func attach(
        sandbox: String, networkNamespace: String, ports: [PortMapping]
    ) async throws(CRIError) -> [String] {
        do throws(PodNetworkError) {
            return [
                try await network.attach(sandbox: sandbox, networkNamespace: .path(networkNamespace)).address
                    .description
            ]
        } catch {
            throw .failed("\(error)")
        }
    }

    func isolate(networkNamespace: String) async throws(CRIError) {
        do throws(PodNetworkError) { try await network.isolate(.path(networkNamespace)) } catch {
            throw .failed("\(error)")
        }
    }

    func detach(sandbox: String) async throws(CRIError) {
        do throws(PodNetworkError) { try await network.detach(sandbox: sandbox) } catch { throw .failed("\(error)") }
    }

    func collect(live: @escaping @Sendable () -> Set<String>?) async throws(CRIError) {
        do throws(PodNetworkError) { try await network.collect(live: live) } catch { throw .failed("\(error)") }
    }
}

final class Steps: StepRecorder {
    let all = Mutex<[RuntimeStep]>([])
    /// Tells each step on standard output instead of keeping it.
    let isTelling: Bool

    init(isTelling: Bool) { self.isTelling = isTelling }

    func record(_ step: RuntimeStep) {
        if isTelling { tell("step " + step.name) } else { all.withLock { $0.append(step) } }
    }
}

/// A node in a directory, a cgroup and a pod network of its own, on which daemons come and go.
final class Scene: Sendable {
    let directory: String
    let cgroupRoot: String
    let monitorProgram: String
    let threads = BlockingThreads(count: 4)
    let steps: Steps
    let compiler = SeccompCompiler()
    let network: PodNetwork

    /// - Parameter directory: nil makes a new one; else that of another process's scene.
    init(monitorProgram: String, directory: String? = nil, cgroupRoot: String? = nil) throws {
        self.monitorProgram = monitorProgram
        self.directory = directory ?? "/tmp/swiftlet-runtime-check-\(getpid())"
        self.cgroupRoot = try cgroupRoot ?? CgroupHierarchy.find().mountPoint + "/swiftlet-rtc\(getpid())"
        steps = Steps(isTelling: directory != nil)
        guard let instance = InstanceName("rtc"), let pods = IPv4Network("10.231.7.0/24"),
            let cluster = IPv4Network("10.231.0.0/16"), let services = IPv4Network("10.232.0.0/16")
        else { throw KernelError("name", "network", EINVAL) }
        network = PodNetwork(
            configuration: PodNetworkConfiguration(
                instance: instance, podNetwork: pods, clusterNetwork: cluster, serviceNetwork: services,
                stateDirectory: self.directory + "/network", mtu: 1500),
            logger: Logger(label: "network"))
        if directory == nil {
            try WholeFile.makeDirectories(self.directory + "/network")
            try makeRoot(self.directory + "/rootfs")
        }
    }

    /// A root directory of a static busybox.
    private func makeRoot(_ root: String) throws {
        for name in ["bin", "etc", "tmp", "root"] { try WholeFile.makeDirectories(root + "/" + name) }
        let program = try WholeFile.read("/bin/busybox", limit: 16 << 20)
        try WholeFile.replace(root + "/bin/busybox", with: program, mode: 0o755, durable: false)
        for tool in [
            "sh", "cat", "id", "sleep", "ls", "ps", "echo", "hostname", "grep", "head", "nc", "stty", "wc", "mkdir",
            "touch", "dd", "tr",
        ] {
            guard symlink("busybox", root + "/bin/" + tool) == 0 else { throw KernelError("symlink", tool) }
        }
        let users = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n"
        try WholeFile.replace(root + "/etc/passwd", with: Array(users.utf8), mode: 0o644, durable: false)
        try WholeFile.replace(
            root + "/etc/group", with: Array("root:x:0:\nlog:x:50:web\n".utf8), mode: 0o644, durable: false)
    }

    var paths: RuntimePaths {
        RuntimePaths(data: directory + "/data", state: directory + "/state", cgroupRoot: cgroupRoot)
    }

    /// A daemon's start, on what the last one left.
    func open() async throws -> NodeRuntime {
        try await network.prepare()
        let events = try EventThread()
        var logger = Logger(label: "runtime")
        logger.logLevel = .warning
        let images = ImageStore(paths: paths, threads: threads, time: SystemTime(), logger: logger)
        try await images.open()
        let runtime = NodeRuntime(
            paths: paths, images: images, version: "check",
            dependencies: RuntimeDependencies(
                monitors: try PodMonitorSpawner(executable: monitorProgram, events: events, threads: threads),
                network: Links(network: network), seccomp: SeccompPrograms(compiler: compiler), kernel: SystemKernel(),
                steps: steps, time: SystemTime(), threads: threads, events: events, logger: logger))
        try await runtime.open()
        return runtime
    }

    func pod(_ name: String, network: NamespaceMode = .pod) -> PodSandboxConfig {
        var config = PodSandboxConfig(metadata: PodSandboxMetadata(name: name, uid: "uid-\(name)", namespace: "check"))
        config.hostname = name
        config.network = network
        config.logDirectory = directory + "/logs/" + name
        config.dns = .init(servers: ["10.232.0.10"], searches: ["check.svc.cluster.local"], options: ["ndots:5"])
        return config
    }

    func container(_ name: String, _ command: [String]) -> ContainerConfig {
        var config = ContainerConfig(metadata: ContainerMetadata(name: name), image: "busybox")
        config.command = command
        config.logPath = name + ".log"
        return config
    }

    func log(_ pod: String, _ container: String) -> String {
        let bytes = (try? WholeFile.read("\(directory)/logs/\(pod)/\(container).log")) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The log once it holds all of these, or as it is after a minute: a process of its own writes it.
    func log(_ pod: String, _ container: String, with text: String, _ more: String...) async throws -> String {
        for _ in 0..<6_000 {
            let found = log(pod, container)
            if ([text] + more).allSatisfy({ found.contains($0) }) { return found }
            try await Task.sleep(for: .milliseconds(10))
        }
        return log(pod, container)
    }

    func clear() throws {
        try PodNetwork.removeAll(
            instance: network.configuration.instance, stateDirectory: network.configuration.stateDirectory)
        try TreeRemoval.remove(directory)
    }
}
