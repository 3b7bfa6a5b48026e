import Glibc
import Linux
import Logging

/// The links, addresses and routes of this node's pods.
///
/// Pods are reached by routed links with /32 addresses, one veth pair each, no bridge among them. All calls are
/// idempotent by the sandbox's id and run on one thread of their own, one after another.
package actor PodNetwork {
    package nonisolated let configuration: PodNetworkConfiguration
    private nonisolated let executor: ThreadExecutor
    nonisolated let logger: Logger
    private nonisolated let reach: @Sendable (NetworkPoint) -> Void
    private let rules = KernelNFTables()
    private var pool: AddressPool
    private var directory: AddressDirectory?
    /// What the last repair failed at, nil where it did not.
    package private(set) var problem: String?
    private var hostPorts = HostPortTable()
    private var mtu: UInt32 = 1500
    /// Sandboxes whose link is being deleted.
    private var leaving: Set<String> = []
    private let remover = LinkRemover()
    /// Nil until somebody has said which other nodes there are.
    var peers: [PeerNode]?
    /// What was logged last of peers that cannot be reached.
    var reportedPeers: [String] = []

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameter reach: called at each place, on the network's thread.
    package init(
        configuration: PodNetworkConfiguration, logger: Logger,
        reach: @escaping @Sendable (NetworkPoint) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.reach = reach
        self.logger = logger
        executor = ThreadExecutor(name: "pod-network")
        pool = AddressPool(network: configuration.podNetwork)
    }

    /// Makes the node's own link and routes, lets the host forward, and takes over the addresses in use from disk.
    /// Idempotent; `attach` needs it once.
    /// - Throws: `invalid` before anything is changed: another pod or service network is needed, or pods still run in another.
    package func prepare() throws(PodNetworkError) {
        try configuration.check()
        try HostNetworks.check(
            [configuration.podNetwork, configuration.serviceNetwork], of: configuration.instance)
        let links: [String]
        do throws(NetlinkError) {
            if let configured = configuration.mtu {
                mtu = configured
            } else {
                mtu = try NodeLink.uplinkMTU()
            }
            links = try RouteSocket().links().map(\.name)
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        let directory = try AddressDirectory(path: configuration.stateDirectory)
        let kept = try KeptAddresses(
            try directory.load(), in: try directory.podNetwork(), configuration: configuration, links: links)
        for held in kept.former {
            logger.warning(
                "address of another pod network dropped",
                metadata: ["sandbox": "\(held.sandbox)", "address": "\(held.address)"])
            try directory.remove(held.address)
        }
        try directory.write(podNetwork: configuration.podNetwork)
        pool = kept.pool
        hostPorts = kept.hostPorts
        self.directory = directory
        try establishNode(directory)
        try applyRules()
    }

    /// Lets a namespace that is to have no link speak to itself.
    package func isolate(_ namespace: NetworkNamespaceReference) throws(PodNetworkError) {
        do throws(NetlinkError) {
            let pod = try NetworkNamespace(path: namespace.path)
            let socket = try pod.enter { () throws(NetlinkError) in try RouteSocket() }
            for link in try socket.links() where link.name == "lo" && !link.isUp { try socket.setUp(link: link.index) }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
    }

    /// Puts back what others took away: the node's link, routes, forwarding, our nftables table, IPv6 that is off. Firewalls that flush the
    /// ruleset and network services that clean up routes do that. Takes well under a millisecond where nothing is missing;
    /// call it every half minute or so.
    package func repair() throws(PodNetworkError) {
        let directory = try prepared()
        try establishNode(directory)
        if !(try hasRules()) {
            logger.warning("the pod network's nftables table was deleted by someone else; it is made anew")
            try applyRules()
        }
        do throws(NetlinkError) {
            let socket = try RouteSocket()
            let links = Set(try socket.links().map(\.name))
            let routed = Set(
                try socket.routes().filter { $0.destination.prefixLength == 32 }.map(\.destination.address))
            for address in pool.addresses.values where !routed.contains(address) {
                guard links.contains(link(address).hostName) else { continue }
                logger.warning("a pod's route was deleted by someone else", metadata: ["address": "\(address)"])
                let sandbox = pool.sandbox(of: address) ?? ""
                try link(address, routesLoopback: !hostPorts.ports(of: sandbox).isEmpty).configureHost(socket)
            }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        try routePeers()
        do throws(NetlinkError) {
            // Who lets all links have IPv6 again lets these.
            for address in pool.addresses.values { try link(address).refuseRouters() }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
    }

    /// Repairs each time `pause` returns, until it throws. What fails is logged, told by `problem` and tried again the next time.
    package nonisolated func keepRepaired(pause: @Sendable () async throws -> Void) async {
        while (try? await pause()) != nil { await tryRepair() }
    }

    private func tryRepair() {
        do throws(PodNetworkError) {
            try repair()
            problem = nil
        } catch {
            logger.error("pod network not repaired", metadata: ["error": "\(error)"])
            problem = error.description
        }
    }

    private func establishNode(_ directory: AddressDirectory) throws(PodNetworkError) {
        let node = NodeLink(configuration: configuration, directory: directory)
        do throws(NetlinkError) {
            try node.establish(mtu: mtu)
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        try node.enableForwarding()
    }

    private func hasRules() throws(PodNetworkError) -> Bool {
        do throws(NFTablesError) { return try rules.tables().contains(configuration.instance.podTable) } catch {
            throw .rules(error)
        }
    }

    /// The whole of our table, in the place of what is there.
    private func applyRules() throws(PodNetworkError) {
        do throws(NFTablesError) {
            try rules.apply(PodRules(configuration: configuration, hostPorts: hostPorts).transaction)
        } catch {
            throw .rules(error)
        }
    }

    /// Gives a sandbox its address and link; the same again for one that has them.
    ///
    /// On failure nothing of it stays. Pods on the host's network have no business here.
    package func attach(
        sandbox: String, networkNamespace: NetworkNamespaceReference, hostPorts ports: [HostPort] = []
    ) async throws(PodNetworkError) -> PodAddress {
        let directory = try prepared()
        guard !leaving.contains(sandbox) else {
            throw .kernel(sandbox: sandbox, NetlinkError("attach", "while it is detached", code: EBUSY))
        }
        let isNew = pool.addresses[sandbox] == nil
        guard let address = pool.allocate(for: sandbox) else { throw .exhausted(configuration.podNetwork) }
        do throws(PodNetworkError) {
            if isNew { try directory.write(.init(sandbox: sandbox, address: address, ports: ports)) }
            reach(.addressHeld)
            do throws(NetlinkError) {
                let namespace = try NetworkNamespace(path: networkNamespace.path)
                // Never give the host itself a pod's address and default route.
                guard !(try namespace.isCurrent()) else {
                    throw NetlinkError("attach", "\(networkNamespace.path): the host's own network", code: EINVAL)
                }
                try link(address, routesLoopback: !ports.isEmpty).establish(host: RouteSocket(), pod: namespace)
            } catch {
                throw PodNetworkError.kernel(sandbox: sandbox, error)
            }
            reach(.linkMade)
            try change(hostPorts.take(sandbox, address, ports, table: configuration.instance.podTable), ports)
        } catch {
            if isNew { try? await detach(sandbox: sandbox) }
            throw error
        }
        logger.debug("pod attached", metadata: ["sandbox": "\(sandbox)", "address": "\(address)"])
        return podAddress(address)
    }

    /// Takes a sandbox's link and address away; nothing happens where it has none.
    ///
    /// The kernel takes some 15 ms to delete a link, so that this happens beside the actor: others are attached meanwhile.
    package func detach(sandbox: String) async throws(PodNetworkError) {
        let directory = try prepared()
        guard let address = pool.addresses[sandbox] else { return }
        leaving.insert(sandbox)
        defer { leaving.remove(sandbox) }
        let ports = hostPorts.ports(of: sandbox)
        try change(hostPorts.release(sandbox, table: configuration.instance.podTable), ports)
        do throws(NetlinkError) {
            try await remover.delete(link(address).hostName)
        } catch {
            throw .kernel(sandbox: sandbox, error)
        }
        reach(.linkDeleted)
        // A second call may have come first.
        guard pool.addresses[sandbox] == address else { return }
        try directory.remove(address)
        pool.release(sandbox)
        reach(.addressFreed)
        logger.debug("pod detached", metadata: ["sandbox": "\(sandbox)", "address": "\(address)"])
    }

    /// Brings a change of the node's ports to the kernel, and forgets the flows that it leads elsewhere.
    private func change(_ transaction: NFTables.Transaction, _ ports: [HostPort]) throws(PodNetworkError) {
        guard !transaction.operations.isEmpty else { return }
        do throws(NFTablesError) {
            try rules.apply(transaction)
        } catch {
            // The table may have been deleted by someone else: the whole of it, which is what `repair` would bring.
            try applyRules()
        }
        guard ports.contains(where: { $0.transport == .udp }) else { return }
        do throws(NetlinkError) {
            let hostPorts = hostPorts
            _ = try ConnectionTable().forget { hostPorts.isStale($0, concerning: ports) }
        } catch {
            logger.warning("flows to a former pod not forgotten", metadata: ["error": "\(error)"])
        }
    }

    /// Detaches every sandbox that is not in what `live` gives and deletes pod links that no sandbox holds; nothing where it
    /// gives nil. Asked after the sandboxes are listed: one that `live` knows before it is attached is never met by mistake.
    package func collect(live: @Sendable () -> Set<String>?) async throws(PodNetworkError) {
        let attached = Array(pool.addresses.keys)
        guard let live = live() else { return }
        for sandbox in attached where !live.contains(sandbox) {
            try await detach(sandbox: sandbox)
        }
        let directory = try prepared()
        for stray in try directory.load() where pool.addresses[stray.sandbox] != stray.address {
            try directory.remove(stray.address)
        }
        let held = Set(pool.addresses.values.map { link($0).hostName })
        do throws(NetlinkError) {
            let prefix = configuration.instance.linkPrefix + "p"
            for link in try RouteSocket().links() where link.name.hasPrefix(prefix) && !held.contains(link.name) {
                logger.info("link without a sandbox deleted", metadata: ["link": "\(link.name)"])
                try LinkRemover.deleteIfPresent(link.name)
            }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        try applyRules()
    }

    /// The address a sandbox holds, nil where it has none.
    package func address(of sandbox: String) -> PodAddress? {
        pool.addresses[sandbox].map { podAddress($0) }
    }

    /// The sandbox that has this port of the node, or one that it cannot be had beside; nil where it is free.
    package func holder(of port: HostPort) -> String? { hostPorts.holder(of: port) }

    private func prepared() throws(PodNetworkError) -> AddressDirectory {
        guard let directory else { throw .invalid("the pod network is not prepared yet") }
        return directory
    }

    private func link(_ address: IPv4Address, routesLoopback: Bool = false) -> PodLink {
        PodLink(
            hostName: configuration.instance.podLink(offset: pool.offset(of: address)), address: address,
            gateway: configuration.gateway, mtu: mtu, routesLoopback: routesLoopback)
    }

    private func podAddress(_ address: IPv4Address) -> PodAddress {
        PodAddress(address: address, gateway: configuration.gateway, hostLink: link(address).hostName)
    }
}
