import Client
import HTTP
import Logging
import PKI
import Transport

/// The node agent alone, on a machine that joins a `swiftlet server`: kubelet, runtime, pod network, service proxy and name server, which ask
/// the API server over HTTPS.
///
/// It needs the server to join, and to learn of pods; what runs here runs on without it, also over a restart of the agent.
package struct Agent: Sendable {
    private let configuration: DaemonConfiguration
    private let logger: Logger

    package init(_ configuration: DaemonConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT. Pods run on afterwards unless the configuration says otherwise.
    package func run() async throws(DaemonError) {
        let server = try ServerAddress(configuration.serverURL)
        let process = try DaemonProcess(configuration, role: .agent, logger: logger)
        let joined = try await process.unlessStopped { () async throws(DaemonError) in
            try await join(server, process)
        }
        guard let (membership, api) = joined else { return }
        let settings = configuration.joined(membership.cluster)
        var node = try ResolvedNode(settings, towards: server.host)
        node.agentPort = Int32(configuration.kubeletPort)
        let agent = try await process.startNode(settings, node, clients: NodeAgent.Clients(api))
        let kubelet = try await serve(KubeletGate(kubelet: agent.kubelet.endpoint), membership, process)
        let certificates = NodeCertificates(
            membership, server: JoinClient(server: server, threads: process.threads), node: node.name, logger: logger
        ) { fresh throws(TransportError) in
            try api.reload(tls: fresh.clientTLS)
            try kubelet.reload(tls: fresh.kubeletTLS)
        }
        try await process.run(agent, server: nil, certificates: certificates) {}
        await kubelet.stop()
        await process.threads.stop()
    }

    /// Comes to a membership with all that the node's parts need to start. May wait for the server.
    private func join(
        _ server: ServerAddress, _ process: DaemonProcess
    ) async throws(DaemonError) -> (Membership, HTTPClient) {
        let name = try ResolvedNode(configuration, towards: server.host).name
        var membership = try await Membership.open(
            configuration, process.instance, node: name, threads: process.threads, time: process.time, logger: logger)
        let api = try membership.api(server, threads: process.threads)
        try await membership.awaitPodNetwork(
            APIClient(handler: api, userAgent: "swiftlet-agent"), time: process.time)
        return (membership, api)
    }

    /// Opens the kubelet to the API server.
    private func serve(
        _ gate: KubeletGate, _ membership: Membership, _ process: DaemonProcess
    ) async throws(DaemonError) -> HTTPServer {
        let address = ListenAddress.tls(host: configuration.bindAddress, port: configuration.kubeletPort)
        return try await DaemonError.wrapping("kubelet (another port with --kubelet-port)") {
            () async throws(TransportError) in
            try await HTTPServer.start(
                on: [address], tls: membership.kubeletTLS, threads: process.threads, logger: logger, handler: gate)
        }
    }
}

extension NodeAgent.Clients {
    /// All as the node itself: its certificate says who asks.
    init(_ api: HTTPClient) {
        kubelet = APIClient(handler: api, userAgent: "kubelet")
        proxy = APIClient(handler: api, userAgent: "kube-proxy")
        dns = APIClient(handler: api, userAgent: "cluster-dns")
    }
}

extension DaemonConfiguration {
    /// With what the cluster has said in place of this machine's own settings.
    func joined(_ cluster: ClusterFacts) -> DaemonConfiguration {
        var settings = self
        settings.clusterNetwork = cluster.clusterNetwork
        settings.serviceNetwork = cluster.serviceNetwork
        settings.clusterDomain = cluster.clusterDomain
        settings.podNetwork = cluster.podNetwork
        return settings
    }

    /// The token that this machine joins with; nil where none is given.
    func joinToken() throws(DaemonError) -> JoinToken? {
        var text = token
        if text.isEmpty, !tokenFile.isEmpty {
            let path = tokenFile
            let read = try DaemonError.wrapping("token file") { () throws(PKIError) in try readFile(path) }
            guard let read else { throw DaemonError("the token file \(path) does not exist") }
            text = read
        }
        return try Self.token(text)
    }

    /// What a setting or a file gives as the token; nil where that is nothing.
    static func token(_ text: String) throws(DaemonError) -> JoinToken? {
        let text = text.filter { !$0.isWhitespace }
        guard !text.isEmpty else { return nil }
        guard let token = JoinToken(text) else {
            throw DaemonError(
                "the token is not whole: it begins with K10 and ends with ::ID.SECRET, as `swiftlet token create` prints it"
            )
        }
        return token
    }
}
