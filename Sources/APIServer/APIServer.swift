import APIMachinery
import HTTP
import KubernetesAPI
import Logging
import PKI
import Store
import Synchronization

/// The Kubernetes API over a key-value store. It knows no sockets: a transport serves it, and clients in this process call `handle`
/// under an identity of their own (`Peer.inProcess`).
package final class APIServer: HTTPHandler {
    package let configuration: APIServerConfiguration
    let registry: ObjectRegistry
    let authenticator: Authenticator
    let authorizer: Authorizer
    let limit: InFlightLimit
    let endpoints: Endpoints
    let paths: PathEndpoint
    let time: any TimeSource
    let logger: Logger
    private let executor: (any TaskExecutor)?
    private let housekeeping = Mutex<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - tokens: nil: no bearer token is accepted, none is issued.
    ///   - nodes: where logs, exec, attach and port forwarding go.
    ///   - executor: where the server's own tasks run; nil: where Swift runs them.
    package init(
        _ configuration: APIServerConfiguration = .init(), store: any KeyValueStore,
        tokens: ServiceAccountTokens? = nil, nodes: any NodeProxy = NoNodes(),
        timeline: any TimelineSink = NoTimeline(), time: any TimeSource = SystemTime(),
        random: RandomSource = RandomSource(), executor: (any TaskExecutor)? = nil,
        logger: Logger = Logger(label: "apiserver")
    ) throws(ConfigurationError) {
        guard let network = IPv4Network(configuration.serviceCIDR), (12...28).contains(network.prefixLength) else {
            throw .invalidServiceCIDR(configuration.serviceCIDR)
        }
        let resources = ResourceTable(Kinds.all.map { Resource($0, behaviour: KindBehaviours.of($0.kind)) })
        let feed = CacheFeed(
            store: store,
            caches: Dictionary(resources.all.map { ($0.prefix, $0.cache) }, uniquingKeysWith: { first, _ in first }),
            time: time, executor: executor, logger: logger)
        self.configuration = configuration
        self.time = time
        self.executor = executor
        self.logger = logger
        registry = ObjectRegistry(
            resources: resources, store: store,
            pending: PendingWrites(
                to: store, limit: configuration.limits.writePatience, time: time, executor: executor),
            feed: feed,
            admission: .standard(resources, Identifiers(random: random)),
            allocator: ServiceAllocator(network: network, nodePorts: configuration.nodePorts), time: time,
            random: random, objectBytes: configuration.limits.objectBytes,
            storeDirectory: configuration.storeDirectory, logger: logger)
        authenticator = Authenticator(
            tokens: tokens, audiences: configuration.audiences,
            isStillBound: TokenBinding(resources, time: time).holds(_:token:), time: time)
        authorizer = Authorizer(
            nodeReads: NodeReads(resources),
            served: (resources.all.map(\.kind) + ServedForm.all.map(\.kind)).map(ServedResource.init(stored:))
                + ServedResource.questions)
        limit = InFlightLimit(
            reads: configuration.limits.readsInFlight, writes: configuration.limits.writesInFlight)
        endpoints = Endpoints(
            registry: registry, reviews: ReviewEndpoint(authenticator: authenticator, authorizer: authorizer),
            pods: PodEndpoint(registry: registry, nodes: nodes, timeline: timeline),
            tokens: TokenEndpoint(registry: registry, tokens: tokens, audiences: configuration.audiences),
            writes: WriteEndpoint(
                registry: registry, timeline: timeline,
                seeds: NamespaceSeeds(registry: registry, clusterAuthority: configuration.clusterAuthority)))
        paths = PathEndpoint(configuration, registry: registry, tokens: tokens)
    }

    package enum ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
        case invalidServiceCIDR(String)

        package var description: String {
            switch self {
            case .invalidServiceCIDR(let text):
                "service CIDR \"\(text)\" is not an IPv4 network between /12 and /28; give one such as 10.96.0.0/16"
            }
        }
    }

    /// Fills the caches, creates what every cluster has (namespaces, the `kubernetes` Service) and follows the store.
    package func start() async throws(StoreError) {
        try await registry.feed.start()
        if let services = registry.resources[Service.kind] {
            let (all, _) = services.cache.snapshot(namespace: nil, applied: 0)
            registry.allocator.load(all.lazy.map(\.tree))
        }
        await Bootstrap(registry: registry, configuration: configuration).run()
        reportStrayServices()
        await endpoints.writes.seeds.plantEverywhere()
        let keeper = Housekeeper(
            registry: registry, configuration: configuration, seeds: endpoints.writes.seeds)
        housekeeping.withLock { $0 = Task(executorPreference: executor) { await keeper.run() } }
    }

    /// As upstream, which leaves them to the user as well.
    private func reportStrayServices() {
        guard let services = registry.resources[Service.kind] else { return }
        for service in services.cache.snapshot(namespace: nil, applied: 0).0 {
            guard service.key != services.key(namespace: "default", name: "kubernetes"),
                let address = registry.allocator.strayAddress(of: service.tree)
            else { continue }
            logger.warning(
                "the cluster IP of a Service is not within service-cidr, and nothing leads to it; delete the Service and make it anew",
                metadata: [
                    "service": "\(service.key)", "address": "\(address)", "network": "\(registry.allocator.network)",
                ])
        }
    }

    /// Ends every watch and stops following the store.
    package func stop() async {
        let task = housekeeping.withLock { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        await task?.value
        await registry.feed.stop()
    }

    package func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        do throws(Status) {
            return try await answer(request)
        } catch {
            return HTTPResponse(error)
        }
    }
}
