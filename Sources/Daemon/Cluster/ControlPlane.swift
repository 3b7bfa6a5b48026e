import APIMachinery
import APIServer
import Client
import Controllers
import HTTP
import Linux
import Logging
import Scheduler
import Store
import Transport

/// Store, API server and its sockets.
struct ControlPlane: Sendable {
    let server: APIServer
    let certificates: ServerCertificates
    /// The API server with the paths of joining beside it.
    let front: ServerFront
    let nodes: ClusterNodes
    private let podNetworks: PodNetworks
    private let store: any KeyValueStore
    private let listener: HTTPServer

    /// Opens the store, fills the API server and listens.
    static func start(
        _ configuration: DaemonConfiguration, node: ResolvedNode, threads: IOThreads,
        timeline: any TimelineSink, time: any TimeSource, logger: Logger, seams: DaemonSeams
    ) async throws(DaemonError) -> ControlPlane {
        let podNetworks = try configuration.podNetworks(of: node.name)
        var api = APIServerConfiguration()
        api.serviceCIDR = configuration.serviceNetwork
        api.advertiseAddress = node.address
        api.advertisePort = configuration.port
        api.nodeName = node.name
        api.storeDirectory = configuration.storeDirectory
        let load = loader(configuration, node)
        let credentials = try load([], time.now())
        let nodes = ClusterNodes(name: node.name, threads: threads)
        api.clusterAuthority = credentials.authority.certificatePEM
        api.audiences = ["https://kubernetes.default.svc.\(configuration.clusterDomain)"]
        let store = try await openStore(configuration.storeDirectory, seams)
        let server = try DaemonError.wrapping("API server") { () throws(APIServer.ConfigurationError) in
            try APIServer(
                api, store: store, tokens: credentials.tokens, nodes: nodes, timeline: timeline, time: time,
                logger: logger)
        }
        try await DaemonError.wrapping("API server") { () async throws(StoreError) in try await server.start() }
        let own = APIClient(
            handler: server, peer: .inProcess(user: "system:apiserver", groups: ["system:masters"]),
            userAgent: "apiserver")
        nodes.reach(through: own, as: credentials)
        let join = JoinEndpoint(
            authority: credentials.authority, cluster: ClusterFacts(configuration), ownNode: node.name, client: own,
            time: time, logger: logger)
        let front = ServerFront(api: server, join: join)
        let address = ListenAddress.tls(host: configuration.bindAddress, port: configuration.port)
        let listener = try await DaemonError.wrapping("API server") { () async throws(TransportError) in
            try await HTTPServer.start(
                on: [address], tls: credentials.tls, threads: threads, logger: logger, handler: front,
                refusal: APIServer.refusal)
        }
        let writeKubeconfig = kubeconfig(configuration)
        try writeKubeconfig(credentials)
        let certificates = ServerCertificates(credentials, load: load) { fresh throws(DaemonError) in
            try writeKubeconfig(fresh)
            nodes.reach(through: own, as: fresh)
            try DaemonError.wrapping("API server") { () throws(TransportError) in try listener.reload(tls: fresh.tls) }
        }
        return ControlPlane(
            server: server, certificates: certificates, front: front, nodes: nodes, podNetworks: podNetworks,
            store: store, listener: listener)
    }

    /// Writes the admin's kubeconfig.
    private static func kubeconfig(_ configuration: DaemonConfiguration) -> ServerCertificates.Publish {
        let host = configuration.bindAddress == "0.0.0.0" ? "127.0.0.1" : configuration.bindAddress
        return { credentials throws(DaemonError) in
            try credentials.writeKubeconfig(
                to: configuration.kubeconfigPath, serverURL: "https://\(host):\(configuration.port)")
        }
    }

    /// Reads the credentials, makes those that are missing, and renews those that are named or due.
    private static func loader(
        _ configuration: DaemonConfiguration, _ node: ResolvedNode
    ) -> ServerCertificates.Load {
        let (names, addresses) = configuration.furtherServerNames
        return { renewed, now throws(DaemonError) in
            try ClusterCredentials.load(
                in: "\(configuration.configDirectory)/pki", renewing: renewed, names: [node.name] + names,
                addresses: [node.address, node.apiServiceAddress] + addresses,
                clusterDomain: configuration.clusterDomain, now: now)
        }
    }

    private static func openStore(
        _ directory: String, _ seams: DaemonSeams
    ) async throws(DaemonError) -> any KeyValueStore {
        var options = SQLiteStoreOptions()
        options.reach = seams.reachInStore
        let chosen = options
        return seams.store(
            try await DaemonError.wrapping("store in \(directory)") { () async throws(StoreError) in
                try await SQLiteStore.open(directory: directory, options: chosen)
            })
    }

    /// The clients of a node's agent in this process.
    func nodeClients(_ node: String) -> NodeAgent.Clients {
        NodeAgent.Clients(
            kubelet: client("system:node:\(node)", groups: ["system:nodes"], agent: "kubelet"),
            proxy: client("system:kube-proxy", agent: "kube-proxy"),
            dns: client("system:kube-dns", agent: "cluster-dns"))
    }

    /// Runs the controllers and the scheduler until the task is cancelled.
    func runControllers(timeline: any TimelineSink, time: any TimeSource, logger: Logger) async {
        let client = client("system:kube-controller-manager", agent: "kube-controller-manager")
        let informers = ControllerInformers(client: client, time: time)
        let controllers = ControllerSet(
            ControllerSet.Settings(
                rootCertificate: certificates.credentials.authority.certificatePEM,
                tokenSigner: TokenSigner(certificates.credentials.tokens, audiences: server.configuration.audiences),
                podNetworks: podNetworks),
            client: client,
            informers: informers, time: time, log: logger)
        let scheduler = Scheduler(
            client: self.client("system:kube-scheduler", agent: "kube-scheduler"), pods: informers.pods,
            nodes: informers.nodes, time: time, log: logger
        ) { pod, reason in
            timeline.record(
                TimelineMoment(
                    step: .unschedulable, podUID: pod.uid ?? "", namespace: pod.namespace ?? "", name: pod.name ?? "",
                    detail: reason,
                    at: time.now()))
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await informers.run() }
            group.addTask { await controllers.run() }
            group.addTask { await scheduler.run() }
        }
    }

    /// A client in this process with the identity of one of the cluster's components.
    func client(_ user: String, groups: [String] = [], agent: String) -> APIClient {
        APIClient(
            handler: server, peer: .inProcess(user: user, groups: groups), userAgent: agent)
    }

    func stop() async {
        await listener.stop()
        await server.stop()
        await store.close()
    }
}

extension ClusterFacts {
    fileprivate init(_ configuration: DaemonConfiguration) {
        self.init(
            clusterNetwork: configuration.clusterNetwork, serviceNetwork: configuration.serviceNetwork,
            clusterDomain: configuration.clusterDomain)
    }
}
