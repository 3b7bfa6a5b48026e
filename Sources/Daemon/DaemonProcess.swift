import APIMachinery
import APIServer
import CRI
import Client
import ContainerRuntime
import Glibc
import HTTP
import Kubelet
import Linux
import Logging
import PodNetwork
import RemoteCRI
import Transport

/// What `swiftlet server` and `swiftlet agent` have in common: the process's threads, signals and files, and the node that runs in it.
struct DaemonProcess: Sendable {
    let configuration: DaemonConfiguration
    let logger: Logger
    let time: any TimeSource
    /// What is wrong with this machine.
    let host: HostWatch
    let events: EventThread
    let instance: InstanceFiles
    let threads: IOThreads
    let timeline: Timeline
    private let signals: TerminationSignals
    private let start: Duration

    /// Takes the lock of the instance's directories, once the settings are found to be right.
    init(_ configuration: DaemonConfiguration, role: InstanceFiles.Role, logger: Logger) throws(DaemonError) {
        try DaemonError.ofSettings { () throws(DaemonError) in try configuration.check(role) }
        try configuration.checkMachine(role)
        self.configuration = configuration
        self.logger = logger
        Self.raiseFileLimit()
        let events = try DaemonError.wrapping("epoll") { () throws(KernelError) in try EventThread() }
        self.events = events
        let time = try DaemonError.wrapping("clock") { () throws(KernelError) in try HostTime(events: events) }
        self.time = time
        host = HostWatch(time: time, logger: logger)
        start = time.uptime()
        signals = try TerminationSignals(events: events)
        instance = try InstanceFiles.open(configuration, role: role)
        threads = IOThreads(count: 2)
        timeline = Timeline(directory: TimelineDirectory(configuration), logger: logger)
        logger.info(
            "starting",
            metadata: ["version": "\(Server.version)", "role": "\(role.rawValue)", "instance": "\(instance.id)"])
    }

    /// A shell lets a process open fewer files than the server takes connections. Out of descriptors nothing is written, and the Swift runtime, which counts its
    /// threads by way of /proc, ends the process. No more than the unit allows: what pods inherit is the same either way.
    private static func raiseFileLimit() {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(files, &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 1 << 20))
        setrlimit(files, &limit)
    }

    /// How long the process has worked.
    var age: Duration { time.uptime() - start }

    /// Runs `body`, which may take long, and gives it up at SIGTERM or SIGINT: nil then.
    func unlessStopped<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(DaemonError) -> Value
    ) async throws(DaemonError) -> Value? {
        let signals = signals
        let first = await withTaskGroup(of: Result<Value, DaemonError>?.self) { group in
            group.addTask {
                do throws(DaemonError) {
                    return .success(try await body())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await signals.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        return try first?.get()
    }

    /// - Parameter configuration: with what the cluster has said, where that differs from this process's own.
    func startNode(
        _ configuration: DaemonConfiguration, _ node: ResolvedNode, clients: NodeAgent.Clients,
        seams: DaemonSeams = DaemonSeams()
    ) async throws(DaemonError) -> NodeAgent {
        if !node.hasRoute {
            logger.warning(
                "no route leads away from this machine: others cannot reach this node unless node-address is set",
                metadata: ["address": "\(node.address)"])
        }
        let agent = try await NodeAgent.start(
            configuration, instance: instance, node: node, clients: clients, threads: threads, events: events,
            host: host, timeline: timeline, time: time, logger: logger, seams: seams)
        logger.info(
            "node agent ready", metadata: ["node": "\(node.name)", "address": "\(node.address)", "after": "\(age)"])
        return agent
    }

    /// Runs the node, and `others` beside it, until SIGTERM or SIGINT, and serves the node's own command line meanwhile.
    /// - Parameters:
    ///   - server: what this machine's server answers; nil on an agent.
    ///   - certificates: those of this process, which are renewed meanwhile.
    func run(
        _ agent: NodeAgent, server: (any HTTPHandler)?, certificates: any CertificateHolder,
        _ others: @escaping @Sendable () async -> Void
    ) async throws(DaemonError) {
        let stack = agent.stack
        let renewal = CertificateRenewal(certificates, host: host, time: time, logger: logger)
        let sessions = sessions(stack, service: agent.service(nodePort:))
        let endpoint = NodeEndpoint(
            runtime: stack.runtime, images: stack.images, sessions: sessions,
            events: stack.events, kubelet: agent.kubelet.endpoint, server: server,
            certificates: renewal, host: host, shutDown: { await shutDown(agent.kubelet, sessions.runs) },
            knownPods: { agent.kubelet.knownPods })
        let trials = HostTrials(host, dataDirectory: configuration.dataDirectory, time: time)
        try await serve(stack, endpoint) {
            await work(agent) {
                await withDiscardingTaskGroup { group in
                    group.addTask { await renewal.run() }
                    group.addTask { await trials.run() }
                    group.addTask { await others() }
                }
            }
        }
    }

    /// Serves the runtime alone until SIGTERM or SIGINT.
    func run(_ stack: ContainerStack) async throws(DaemonError) {
        let sessions = sessions(stack)
        let endpoint = NodeEndpoint(
            runtime: stack.runtime, images: stack.images, sessions: sessions, events: stack.events,
            kubelet: NoKubelet(
                stats: StatsReader(
                    node: Machine.hostname, runtime: stack.runtime, images: stack.images,
                    threads: BlockingThreads(count: 1), dataDirectory: configuration.dataDirectory, time: time)),
            server: nil,
            certificates: CertificateRenewal(NoCertificates(), host: host, time: time, logger: logger), host: host,
            shutDown: { [runs = sessions.runs] in
                await runs.stopAll(grace: .seconds(configuration.shutdownGrace))
                return []
            }, knownPods: { nil })
        try await serve(stack, endpoint) {
            let trials = HostTrials(host, dataDirectory: configuration.dataDirectory, time: time)
            let work = Task {
                await withDiscardingTaskGroup { group in
                    group.addTask { await stack.run(time: time) }
                    group.addTask { await trials.run() }
                }
            }
            SystemdNotification.ready.send()
            await signals.wait()
            logger.info("stopping")
            SystemdNotification.stopping.send()
            work.cancel()
            await work.value
        }
    }

    /// - Parameter service: whose node port one is; without Kubernetes nobody's.
    private func sessions(
        _ stack: ContainerStack, service: @escaping @Sendable (HostPort) -> String? = { _ in nil }
    ) -> RunEndpoint {
        let threads = BlockingThreads(count: 2)
        let logs = RunLogs(configuration.runLogs, bootID: (try? SystemKernel().bootID()) ?? "")
        let sandboxes = RunSandboxes(
            runtime: stack.runtime, network: stack.network, logs: logs, service: service)
        let runs = RunContainers(
            runtime: stack.runtime,
            sandbox: { spec, uid throws(CRIError) in try await sandboxes.config(of: spec, uid: uid) }, logs: logs,
            threads: threads, time: time, logger: logger)
        let containers = ContainerEndpoint(runtime: stack.runtime, threads: threads, events: events, time: time)
        return RunEndpoint(
            runtime: stack.runtime, runs: runs, containers: containers, time: time, logger: logger)
    }

    /// Ends all that runs here, because the machine shuts down.
    /// - Returns: as `Kubelet.shutDown`.
    private func shutDown(_ kubelet: Kubelet, _ runs: RunContainers) async -> [String]? {
        let grace = Duration.seconds(configuration.shutdownGrace)
        async let ended: Void = runs.stopAll(grace: grace)
        let left = await kubelet.shutDown(
            grace: grace, criticalGrace: .seconds(configuration.criticalShutdownGrace))
        await ended
        let running = ((try? await runs.list()) ?? []).filter(\.isRunning).map { "\(RunSpec.namespace)/\($0.name)" }
        return left.map { ($0.filter { !$0.hasPrefix("\(RunSpec.namespace)/") } + running).sorted() }
    }

    /// Opens the node's sockets, keeps the timeline's journal while `body` runs, and lets go of the pods after it.
    private func serve(
        _ stack: ContainerStack, _ endpoint: NodeEndpoint, _ body: () async -> Void
    ) async throws(DaemonError) {
        let runs = endpoint.sessions.runs
        await runs.clearLost()
        let socket = try await DaemonError.wrapping("node socket") { () async throws(TransportError) in
            try await HTTPServer.start(
                on: [.unix(path: configuration.nodeSocket)], threads: threads, logger: logger, handler: endpoint)
        }
        let calls: CRIServer?
        do throws(DaemonError) {
            calls = try await CRIServer.start(configuration, stack, threads: threads, time: time, logger: logger)
        } catch {
            await socket.stop()
            throw error
        }
        let journal = Task { await timeline.run() }
        let keeping = Task {
            await withDiscardingTaskGroup { group in
                group.addTask { await runs.keep() }
                group.addTask { await endpoint.events.keep() }
            }
        }
        await body()
        runs.stops.giveUp()
        keeping.cancel()
        await keeping.value
        await calls?.stop()
        await socket.stop()
        await stack.runtime.close()
        journal.cancel()
        await journal.value
    }

    /// Pods that are to end with the daemon end when nobody is left who would start them again.
    private func work(_ agent: NodeAgent, _ others: @escaping @Sendable () async -> Void) async {
        let work = Task {
            await withDiscardingTaskGroup { group in
                group.addTask { await agent.run() }
                group.addTask { await others() }
            }
        }
        SystemdNotification.ready.send()
        await signals.wait()
        logger.info("stopping")
        SystemdNotification.stopping.send()
        work.cancel()
        await work.value
        if configuration.stopsPodsOnExit {
            await PodStop(
                runtime: agent.runtime, graces: agent.kubelet.graces,
                othersGrace: configuration.runtimeEndpoint.isEmpty && agent.kubelet.knownPods == nil ? 30 : nil,
                logger: logger
            ).run()
        }
    }
}
