import Launch
import Logging

/// The whole of Swiftlet in one process: control plane and node agent. With `Agent` and `DaemonProcess` this is the composition root; nothing
/// else knows all the parts.
package struct Server: Sendable {
    package static var version: String { Release.version }

    private let configuration: DaemonConfiguration
    private let logger: Logger
    private let seams: DaemonSeams

    package init(_ configuration: DaemonConfiguration, logger: Logger, seams: DaemonSeams = DaemonSeams()) {
        self.configuration = configuration
        self.logger = logger
        self.seams = seams
    }

    /// Runs until SIGTERM or SIGINT. Pods run on afterwards unless the configuration says otherwise.
    package func run() async throws(DaemonError) {
        let process = try DaemonProcess(configuration, role: .server, logger: logger)
        let node = try ResolvedNode(configuration)
        let control = try await ControlPlane.start(
            configuration, node: node, threads: process.threads, timeline: process.timeline, time: process.time,
            logger: logger, seams: seams)
        logger.info("API server ready", metadata: ["address": "\(node.address)", "after": "\(process.age)"])
        let agent = try await process.startNode(
            configuration, node, clients: control.nodeClients(node.name), seams: seams)
        control.nodes.serve(agent.kubelet.endpoint)
        let (logger, time, timeline) = (logger, process.time, process.timeline)
        try await process.run(agent, server: control.front, certificates: control.certificates) {
            await control.runControllers(timeline: timeline, time: time, logger: logger)
        }
        await control.stop()
        await process.threads.stop()
    }
}
