import APIMachinery
import Client
import KubernetesAPI
import Linux
import Logging
import Synchronization

/// Gives each node its share of the pod network, once: `spec.podCIDR`.
struct NodeIPAMController: Sendable {
    private let client: APIClient
    private let informers: ControllerInformers
    private let log: Logger
    private let events: EventRecorder
    private let networks: PodNetworks
    private let queue: WorkQueue<String>
    private let granted = Granted()

    /// What was given, by node: it may not be in the copy of the nodes yet, and a node that is deleted and comes again gets the same where
    /// nobody else has it by then. One entry a name; forgotten with the process.
    private final class Granted: Sendable {
        let shares = Mutex<[String: IPv4Network]>([:])
    }

    init(_ context: ControllerContext, networks: PodNetworks) {
        client = context.client
        informers = context.informers
        log = context.log
        events = context.recorder("node-ipam-controller")
        self.networks = networks
        queue = WorkQueue(time: context.time)
    }

    func run() async {
        guard await informers.nodes.waitUntilSynced() else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await events.run() }
            group.addTask {
                await informers.nodes.follow { before, after in
                    (after ?? before).map { queue.add($0.metadata.name) }
                }
            }
            // One at a time: each choice must know the one before.
            group.addTask { await queue.reconcile(workers: 1, "nodeipam", log: log) { try await reconcile($0) } }
        }
    }

    private func reconcile(_ name: String) async throws -> Duration? {
        guard let node = informers.nodes.get(name) else { return nil }
        let present = node.spec.podCIDR.flatMap { IPv4Network($0) }
        if let present, networks.fixed[name] ?? present == present {
            granted.shares.withLock { $0[name] = present }
            return nil
        }
        guard let share = choose(name) else {
            events.record(
                node, .normal, reason: "CIDRNotAvailable",
                message: "Node \(name) status is now: CIDRNotAvailable: all of \(networks.cluster) is taken")
            log.error(
                "no pod network is left for a node; delete nodes that are gone",
                metadata: ["node": "\(name)", "cluster": "\(networks.cluster)"])
            return .seconds(60)
        }
        try await write(share, to: name)
        return nil
    }

    private func choose(_ name: String) -> IPv4Network? {
        let nodes = informers.nodes.list()
        let names = Set(nodes.map(\.metadata.name))
        return granted.shares.withLock { granted in
            var taken = nodes.filter { $0.metadata.name != name }.flatMap(Self.shares)
            // A node that is gone keeps nothing; what it had is only preferred for it.
            taken += granted.filter { $0.key != name && names.contains($0.key) }.values
            let share = networks.share(for: name, before: granted[name], taken: taken)
            if let share { granted[name] = share }
            return share
        }
    }

    private static func shares(_ node: Node) -> [IPv4Network] {
        (node.spec.podCIDRs + [node.spec.podCIDR].compactMap(\.self)).compactMap { IPv4Network($0) }
    }

    private func write(_ share: IPv4Network, to name: String) async throws(Status) {
        do throws(Status) {
            _ = try await client.modify(Node.self, name) { node in
                // Another hand may have been faster than our copy of the nodes.
                guard (node.spec.podCIDR ?? "").isEmpty || networks.fixed[name] != nil else { return }
                node.spec.podCIDR = share.description
                node.spec.podCIDRs = [share.description]
            }
            log.info("pod network given to a node", metadata: ["node": "\(name)", "network": "\(share)"])
        } catch {
            guard error.isReason(.notFound) else { throw error }
        }
    }
}
