import Client
import KubernetesAPI
import Linux
import Logging
import PodNetwork

/// Keeps the routes to other nodes' pods equal to the nodes that the API server knows.
struct PeerWatch: Sendable {
    let network: PodNetwork
    let node: String
    /// This node's own.
    let address: String
    let logger: Logger

    /// What is kept of a node: where it is and which pods are on it.
    static let trim: @Sendable (inout Node) -> Void = { node in
        node.storage["metadata"] = [
            "name": .string(node.metadata.name), "resourceVersion": .string(node.metadata.resourceVersion),
        ]
        node.status.images = []
        node.status.conditions = []
    }

    /// Returns when its task is cancelled. Until all nodes are known nothing is changed: an earlier daemon's routes stay.
    func run(_ nodes: Informer<Node>) async {
        var applied: [PeerNode]?
        var told: [String] = []
        var isSynced = false
        for await event in nodes.subscribe() {
            if case .synced = event { isSynced = true }
            guard isSynced else { continue }
            let all = nodes.list()
            checkOwn(all.first { $0.metadata.name == node })
            let (peers, former) = Self.others(all, than: node, at: address)
            if former != told { tell(former) }
            told = former
            guard peers != applied else { continue }
            applied = peers
            do throws(PodNetworkError) {
                try await network.setPeers(peers)
            } catch {
                logger.error(
                    "routes to other nodes not set; tried again within half a minute", metadata: ["error": "\(error)"])
            }
        }
    }

    /// The nodes besides this one, and apart from them those at this machine's own address: names that it had before.
    static func others(
        _ nodes: [Node], than node: String, at address: String
    ) -> (peers: [PeerNode], former: [String]) {
        let others = nodes.filter { $0.metadata.name != node }
        let former = others.filter { $0.internalAddress == address }.map(\.metadata.name).sorted()
        return (others.filter { $0.internalAddress != address }.compactMap { PeerNode($0) }, former)
    }

    private func tell(_ former: [String]) {
        for name in former {
            logger.warning(
                "another node has this machine's address. If this machine was that node before: its pods are not taken up, `kubectl delete node NAME` ends what is left of it, and --node-name NAME goes back",
                metadata: ["name": "\(name)", "now": "\(node)"])
        }
    }

    /// The share of a node that was deleted and came again may have become another's meanwhile, and a share that was given is not changed by a setting.
    private func checkOwn(_ own: Node?) {
        guard let share = own?.spec.podCIDR, let given = IPv4Network(share),
            given != network.configuration.podNetwork
        else { return }
        logger.error(
            "this node's pods are in a network that the cluster has not given it. Where pod-cidr was changed, `kubectl delete node \(node)` gives the node its new one; else stop the daemon, run `swiftlet uninstall --keep-data`, and start it again",
            metadata: ["used": "\(network.configuration.podNetwork)", "given": "\(given)"])
    }
}

extension PeerNode {
    /// Nil until the node has an address and a pod network.
    init?(_ node: Node) {
        guard let address = node.internalAddress.flatMap({ IPv4Address($0) }),
            let network = node.spec.podCIDR.flatMap({ IPv4Network($0) })
        else { return nil }
        self.init(name: node.metadata.name, address: address, network: network)
    }
}
