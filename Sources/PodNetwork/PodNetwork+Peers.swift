import Glibc
import Linux
import Logging

/// The ways to the pods of other nodes.
extension PodNetwork {
    /// Takes over which other nodes there are, and changes only the routes that differ. What the kernel refuses is tried again by `repair`.
    package func setPeers(_ peers: [PeerNode]) throws(PodNetworkError) {
        self.peers = peers
        try routePeers()
    }

    /// Makes our routes in the kernel equal to the peers. Does nothing before the first `setPeers`: an earlier daemon's routes stay until then.
    func routePeers() throws(PodNetworkError) {
        guard let peers else { return }
        let routes = PeerRoutes(
            instance: configuration.instance, cluster: configuration.clusterNetwork, own: configuration.podNetwork)
        do throws(NetlinkError) {
            let socket = try RouteSocket()
            let table = try socket.routes()
            let wanted = routes.wanted(peers, table: table)
            report(wanted.unreachable)
            let changes = routes.changes(table, to: wanted.routes)
            for route in changes.delete {
                logger.info("way to another node's pods taken away", metadata: ["network": "\(route.destination)"])
                try Self.deleteIfPresent(route, socket)
            }
            for route in changes.add {
                logger.info(
                    "way to another node's pods",
                    metadata: [
                        "network": "\(route.destination)", "via": "\(route.gateway ?? route.destination.address)",
                    ])
                try socket.add(route)
            }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
    }

    private func report(_ unreachable: [String]) {
        guard unreachable != reportedPeers else { return }
        reportedPeers = unreachable
        for line in unreachable {
            logger.error(
                "pods of another node cannot be reached: nodes must share a network, and their pod networks must differ",
                metadata: ["node": "\(line)"])
        }
    }

    /// The routes to other nodes' pods that are this instance's. Works without a daemon.
    static func ownedRoutes(_ instance: InstanceName, _ socket: borrowing RouteSocket) throws(NetlinkError) -> [Route] {
        let everywhere = IPv4Network(IPv4Address(0), prefixLength: 0)
        let routes = PeerRoutes(instance: instance, cluster: everywhere, own: everywhere)
        return try socket.routes().filter(routes.isOwn)
    }

    static func deleteIfPresent(_ route: Route, _ socket: borrowing RouteSocket) throws(NetlinkError) {
        do throws(NetlinkError) {
            try socket.delete(route)
        } catch  where error.code == ESRCH {
            // It went with its link.
            return
        }
    }
}
