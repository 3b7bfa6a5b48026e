import APIMachinery
import CRI
import ContainerRuntime
import Kubelet
import Linux
import Logging
import PodNetwork
import RemoteCRI
import Transport

/// What runs containers on this machine: the pod network, the images, the runtime. It needs neither a kubelet nor an API server.
struct ContainerStack: Sendable {
    let network: PodNetwork
    let images: ImageStore
    let runtime: NodeRuntime
    let events: EventFeed
    /// The cgroup of all pods.
    let podCgroups: String
    private let logger: Logger

    /// Takes up what runs already and makes the network ready.
    static func start(
        _ configuration: DaemonConfiguration, instance: InstanceFiles, threads: IOThreads, events: EventThread,
        host: HostWatch, steps: any StepRecorder, time: any TimeSource, logger: Logger,
        seams: DaemonSeams = DaemonSeams()
    ) async throws(DaemonError) -> ContainerStack {
        // As the last to be killed for memory, and so the pods' monitors, which inherit it: a pod's own limit must meet its containers.
        try? writeText("-999", to: "/proc/self/oom_score_adj")
        let network = PodNetwork(
            configuration: try PodNetworkConfiguration(configuration, instance), logger: logger,
            reach: seams.reachInNetwork)
        try await DaemonError.wrapping("pod network") { () async throws(PodNetworkError) in try await network.prepare()
        }
        let blocking = BlockingThreads(count: 8)
        let paths = try NodePaths(configuration, instance: instance)
        let hosts = try DaemonError.wrapping("registries") { () throws(RegistryHostsError) in
            try RegistryHosts(configuration.registries)
        }
        let registries = RegistryClient(
            hosts: hosts,
            certificates: RegistryCertificates(
                authorities: try RegistryAuthorities(configuration.registryAuthorities),
                directories: configuration.registryCertificates),
            mirrors: MirrorCredentials(path: configuration.mirrorCredentials), proxies: .ofThisProcess,
            threads: threads, files: blocking, time: time)
        // Threads of their own: unpacking takes seconds, and containers must not stand behind it.
        let images = ImageStore(
            paths: paths.runtime, threads: blocking, bulk: BlockingThreads(count: 4), time: time,
            registries: registries, logger: logger)
        let monitors = try DaemonError.wrapping(
            "pod monitor \(paths.monitor) (name another with --monitor-path)"
        ) { () throws(KernelError) in
            try PodMonitorSpawner(executable: paths.monitor, events: events, threads: blocking)
        }
        var dependencies = RuntimeDependencies(
            monitors: monitors, network: PodLinks(network: network, host: host),
            seccomp: SeccompPrograms(compiler: SeccompCompiler()), kernel: SystemKernel(), steps: steps, time: time,
            threads: blocking, events: events, logger: logger)
        seams.runtime(&dependencies)
        let runtime = NodeRuntime(
            paths: paths.runtime, images: images, version: Server.version,
            nodeResources: Machine.podResources(Machine.facts(configuration, version: Server.version)),
            labelsEveryPod: configuration.labelsEveryPod, dependencies: dependencies)
        let feed = try await DaemonError.wrapping("container runtime") { () async throws(CRIError) in
            try await images.open()
            // What ended while there was no daemon is told by opening the runtime.
            let feed = EventFeed(runtime: runtime, images: images, time: time)
            try await runtime.open()
            return feed
        }
        return ContainerStack(
            network: network, images: images, runtime: runtime, events: feed, podCgroups: paths.runtime.podCgroups,
            logger: logger)
    }

    /// What the kubelet runs pods on: our own, or the other runtime that the configuration names, with its own name and version.
    func services(
        _ configuration: DaemonConfiguration, threads: IOThreads, time: any TimeSource, logger: Logger
    ) async throws(DaemonError) -> (any RuntimeService, any ImageService, RuntimeVersion?) {
        guard !configuration.runtimeEndpoint.isEmpty else { return (runtime, images, nil) }
        if configuration.labelsEveryPod {
            logger.warning(
                "enable-selinux labels no pod here: pods run on another runtime, which has a setting of its own")
        }
        return try await DaemonError.wrapping("container-runtime-endpoint") { () async throws(CRIError) in
            let remote = try RemoteRuntime(
                endpoint: configuration.runtimeEndpoint, time: time, threads: threads, logger: logger)
            let version = try await remote.version()
            logger.info("pods run on another runtime", metadata: ["runtime": "\(version.name) \(version.version)"])
            return (remote, remote, version)
        }
    }

    /// Keeps the network as it should be, and checks the images once. Returns when its task is cancelled.
    func run(time: any TimeSource) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await network.keepRepaired { try await time.sleep(for: .seconds(30)) } }
            group.addTask { await verifyImages() }
        }
    }

    private func verifyImages() async {
        do throws(CRIError) {
            try await images.verify()
        } catch {
            logger.warning("images not verified", metadata: ["cause": "\(error)"])
        }
        for image in images.damaged {
            logger.warning("image damaged; pull it again", metadata: ["image": "\(image)"])
        }
    }
}
