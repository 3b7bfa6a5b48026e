import APIMachinery
import APIServer
import Glibc
import Linux
import Logging
import Transport

/// The whole of Swiftlet in one process: control plane and node agent. This is the composition root; nothing else knows all the parts.
package struct Server: Sendable {
    package static let version = "0.1.0"

    private let configuration: DaemonConfiguration
    private let logger: Logger

    package init(_ configuration: DaemonConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT. Pods run on afterwards unless the configuration says otherwise.
    package func run() async throws(DaemonError) {
        let time = SystemTime()
        let start = time.uptime()
        let events = try DaemonError.wrapping("epoll") { () throws(KernelError) in try EventThread() }
        let signals = try TerminationSignals(events: events)
        let instance = try InstanceFiles.open(configuration)
        let node = try ResolvedNode(configuration)
        let threads = IOThreads(count: 2)
        logger.info(
            "starting",
            metadata: [
                "version": "\(Self.version)", "instance": "\(instance.id)", "node": "\(node.name)",
                "address": "\(node.address)",
            ])
        let local = LocalNode(name: node.name)
        let timeline = Timeline(directory: TimelineDirectory(configuration), logger: logger)
        let control = try await ControlPlane.start(
            configuration, node: node, nodes: local, threads: threads, timeline: timeline, time: time,
            logger: logger)
        logger.info("API server ready", metadata: ["after": "\(time.uptime() - start)"])
        let agent = try await NodeAgent.start(
            configuration, instance: instance, node: node, clients: control.nodeClients(node.name), threads: threads,
            events: events, timeline: timeline, time: time, logger: logger)
        local.serve(agent.kubelet.endpoint)
        logger.info("node agent ready", metadata: ["after": "\(time.uptime() - start)"])
        let socket = try await DaemonError.wrapping("node socket") { () async throws(TransportError) in
            try await HTTPServer.start(
                on: [.unix(path: configuration.nodeSocket)], threads: threads, logger: logger,
                handler: NodeEndpoint(runtime: agent.runtime, images: agent.images, kubelet: agent.kubelet.endpoint))
        }
        let journal = Task { await timeline.run() }
        await work(agent, control, until: signals, time: time)
        await socket.stop()
        await agent.runtime.close()
        await control.stop()
        journal.cancel()
        await journal.value
        await threads.stop()
    }

    /// Works until a signal comes. Pods that are to end with the daemon end when nobody is left who would start them again.
    private func work(
        _ agent: NodeAgent, _ control: ControlPlane, until signals: TerminationSignals, time: any TimeSource
    ) async {
        let work = Task {
            await withDiscardingTaskGroup { group in
                group.addTask { await agent.run() }
                group.addTask { await control.runControllers(time: time, logger: logger) }
                group.addTask { await control.renewCertificates(time: time, logger: logger) }
            }
        }
        SystemdNotification.ready.send()
        await signals.wait()
        logger.info("stopping")
        SystemdNotification.stopping.send()
        let pods = configuration.stopsPodsOnExit ? await agent.kubeletPods() : []
        work.cancel()
        await work.value
        if configuration.stopsPodsOnExit {
            await PodStop(runtime: agent.runtime, pods: pods, logger: logger).run()
        }
    }
}
