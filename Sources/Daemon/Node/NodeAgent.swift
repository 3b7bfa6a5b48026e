import APIMachinery
import CRI
import Client
import ClusterDNS
import ContainerRuntime
import KubeProxy
import Kubelet
import KubernetesAPI
import Linux
import Logging
import PodNetwork
import Transport

/// Everything that makes this machine a node: runtime, pod network, kubelet, service proxy, name server.
struct NodeAgent: Sendable {
    let stack: ContainerStack
    /// What the kubelet runs pods on.
    let runtime: any RuntimeService
    let kubelet: Kubelet
    private let proxy: KubeProxy
    private let names: ClusterDNS
    private let peers: PeerWatch
    private let services: Informer<Service>
    private let nodeName: String
    private let clients: Clients
    private let time: any TimeSource

    /// The agent's components, each under its own name at the API server.
    struct Clients: Sendable {
        var kubelet: APIClient
        var proxy: APIClient
        var dns: APIClient
    }

    /// Takes up what runs already and makes the network ready. Needs no API server.
    static func start(
        _ configuration: DaemonConfiguration, instance: InstanceFiles, node: ResolvedNode, clients: Clients,
        threads: IOThreads, events: EventThread, host: HostWatch, timeline: Timeline, time: any TimeSource,
        logger: Logger, seams: DaemonSeams
    ) async throws(DaemonError) -> NodeAgent {
        let stack = try await ContainerStack.start(
            configuration, instance: instance, threads: threads, events: events, host: host, steps: timeline,
            time: time, logger: logger, seams: seams)
        let network = stack.network
        let (runtime, images, other) = try await stack.services(
            configuration, threads: threads, time: time, logger: logger)
        var settings = Kubelet.Configuration(configuration, node, nameServer: network.configuration.gateway)
        settings.eviction = try configuration.eviction()
        settings.settings.sysctls = try configuration.sysctls()
        settings.settings.hasAppArmor = AppArmor.isEnabled
        settings.podCgroup = stack.podCgroups
        if let other {
            settings.identity.runtimeName = other.name
            settings.facts.runtimeVersion = "\(other.name)://\(other.version)"
        }
        let services = Informer(Service.self, client: clients.proxy, time: time)
        let kubelet = Kubelet(
            settings, client: clients.kubelet, runtime: runtime, images: images,
            probes: NetworkProbes(threads: threads),
            // Its own: a hostPath on a server that is dead must not hold what starts and ends containers.
            threads: BlockingThreads(count: 4), events: events, host: host,
            services: { services.hasSynced ? services.list(in: $0) : nil },
            moments: ReachedMoments(base: timeline, reach: seams.reachInKubelet), time: time, logger: logger)
        let proxy = KubeProxy(
            table: network.configuration.instance.serviceTable, serviceNetwork: network.configuration.serviceNetwork,
            clusterNetwork: network.configuration.clusterNetwork, backend: KernelNFTables(),
            connections: ConnectionTable(), logger: logger)
        let names = try await Self.nameServer(configuration, network.configuration, threads: threads, logger: logger)
        return NodeAgent(
            stack: stack, runtime: runtime, kubelet: kubelet, proxy: proxy, names: names,
            peers: PeerWatch(network: network, node: node.name, address: node.address, logger: logger),
            services: services,
            nodeName: node.name, clients: clients, time: time)
    }

    /// The pods' name server, on the node's own address in the pod network.
    private static func nameServer(
        _ configuration: DaemonConfiguration, _ network: PodNetworkConfiguration, threads: IOThreads, logger: Logger
    ) async throws(DaemonError) -> ClusterDNS {
        guard let domain = DNSName(configuration.clusterDomain) else {
            throw DaemonError("cluster-domain \"\(configuration.clusterDomain)\" is no DNS name")
        }
        let own = network.gateway
        let names = ClusterDNS(domain: domain, group: threads.group, logger: logger) {
            UpstreamServers(resolvConf: Machine.read("/etc/resolv.conf") ?? "", excluding: own)
        }
        _ = try await DaemonError.wrapping("cluster DNS") { () async throws(ClusterDNSError) in
            try await names.start(on: own)
        }
        return names
    }

    /// The service, as `namespace/name`, whose node port this is; nil where it is nobody's.
    @Sendable func service(nodePort port: HostPort) -> String? {
        let found = services.list().first { service in
            service.spec.type != "ClusterIP"
                && service.spec.ports.contains {
                    $0.nodePort == Int32(port.port) && $0.protocol == port.transport.description.uppercased()
                }
        }
        return found.map { "\($0.metadata.namespace)/\($0.metadata.name)" }
    }

    /// Returns when its task is cancelled; pods run on.
    func run() async {
        let slices = Informer(
            EndpointSlice.self, client: clients.proxy, indices: EndpointSlice.serviceIndex, time: time)
        let nodes = Informer(Node.self, client: clients.proxy, trim: PeerWatch.trim, time: time)
        await withDiscardingTaskGroup { group in
            group.addTask { await nodes.run() }
            group.addTask { await peers.run(nodes) }
            group.addTask { await services.run() }
            group.addTask { await slices.run() }
            group.addTask { await kubelet.run() }
            group.addTask { await names.run(services: services, slices: slices) }
            group.addTask { await proxy.run(services: services, slices: slices, node: nodeName, time: time) }
            group.addTask { await stack.run(time: time) }
        }
        await names.stop()
    }
}

extension PodNetworkConfiguration {
    init(_ configuration: DaemonConfiguration, _ instance: InstanceFiles) throws(DaemonError) {
        guard let name = InstanceName(instance.id) else {
            throw DaemonError("\(configuration.dataDirectory)/instance holds no instance id: \"\(instance.id)\"")
        }
        self.init(
            instance: name, podNetwork: try IPv4Network(configuration.podNetwork, of: "pod-cidr"),
            clusterNetwork: try IPv4Network(configuration.clusterNetwork, of: "cluster-cidr"),
            serviceNetwork: try IPv4Network(configuration.serviceNetwork, of: "service-cidr"),
            stateDirectory: configuration.networkState)
    }
}

extension Kubelet.Configuration {
    init(_ configuration: DaemonConfiguration, _ node: ResolvedNode, nameServer: IPv4Address) {
        let settings = PodSettings(
            clusterDNS: [nameServer.description], clusterDomain: configuration.clusterDomain,
            logRoot: configuration.logDirectory, nodeMemory: Machine.memoryBytes,
            hostResolver: Machine.read("/etc/resolv.conf") ?? "", apiService: (node.apiServiceAddress, 443),
            processesPerPod: Machine.processesPerPod(configuration))
        var facts = Machine.facts(configuration, version: Server.version)
        facts.agentPort = node.agentPort
        self.init(
            identity: NodeIdentity(name: node.name, addresses: [node.address]), facts: facts, settings: settings,
            dataDirectory: "\(configuration.dataDirectory)/kubelet",
            runDirectory: "\(configuration.runDirectory)/kubelet", manifestDirectory: configuration.manifests)
    }
}
