import APIMachinery
import CRI
import HTTP
import Kubelet
import Logging
import PKI
import RemoteCRI
import Streaming
import Transport

/// The container runtime alone, served as the CRI to a kubelet of somebody else's, or to crictl.
package struct ContainerServer: Sendable {
    private let configuration: DaemonConfiguration
    private let logger: Logger

    package init(_ configuration: DaemonConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT. Pods run on afterwards.
    package func run() async throws(DaemonError) {
        let process = try DaemonProcess(configuration, role: .cri, logger: logger)
        let stack = try await ContainerStack.start(
            configuration, instance: process.instance, threads: process.threads, events: process.events,
            host: process.host,
            steps: process.timeline,
            time: process.time, logger: logger)
        try await process.run(stack)
        await process.threads.stop()
    }
}

extension CRIServer {
    /// nil where the configuration wants none.
    static func start(
        _ configuration: DaemonConfiguration, _ stack: ContainerStack, threads: IOThreads, time: any TimeSource,
        logger: Logger
    ) async throws(DaemonError) -> CRIServer? {
        guard let socket = configuration.criSocket else { return nil }
        let server = try await DaemonError.wrapping("CRI socket (another with --cri-listen)") {
            () async throws(TransportError) in
            try await CRIServer.start(
                socket: socket, runtime: stack.runtime, images: stack.images, time: time, threads: threads,
                logger: logger)
        }
        logger.info("CRI ready", metadata: ["socket": "\(socket)"])
        return server
    }
}

/// In the place of a kubelet where there is none: of all that one answers, what the node and its containers use.
struct NoKubelet: HTTPHandler {
    let stats: StatsReader

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        do throws(Status) {
            guard request.path == "/stats/summary" else {
                throw Status(
                    .notFound, code: 404,
                    "no kubelet runs here, a container runtime alone; `swiftlet ps --all` lists its containers, crictl asks for the rest"
                )
            }
            let read = try await Status.ofRuntime { () async throws(CRIError) in try await stats.read() }
            return HTTPResponse(read.summary)
        } catch {
            return HTTPResponse(error)
        }
    }
}

/// Of a process that needs none: its sockets are root's.
struct NoCertificates: CertificateHolder {
    var certificates: [CertificateSummary] { [] }

    func renew(_ names: Set<String>, at now: Timestamp) async throws(DaemonError) {}
}
