import Linux

/// Another node of the cluster, as far as the way to its pods is concerned.
package struct PeerNode: Hashable, Sendable {
    package var name: String
    /// Where the node is reached: its InternalIP.
    package var address: IPv4Address
    /// The addresses of its pods.
    package var network: IPv4Network

    package init(name: String, address: IPv4Address, network: IPv4Network) {
        self.name = name
        self.address = address
        self.network = network
    }
}

/// The routes to the pods of other nodes: each by that node's own address, for nodes that share a network. Pure.
///
/// They bear an origin of ours and, as metric, a number that is the instance's id, so that the kernel's list says which are whose.
struct PeerRoutes {
    let instance: InstanceName
    /// All addresses of pods; a network outside is no pod network.
    let cluster: IPv4Network
    /// The pods of this node.
    let own: IPv4Network

    /// Of the numbers that no routing program has taken (rtnetlink.h).
    static let origin: UInt8 = 83

    /// What is to be in the kernel, and peers that no route can lead to, each with the reason.
    struct Wanted: Equatable {
        var routes: [Route] = []
        var unreachable: [String] = []
    }

    /// - Parameter table: all routes of the kernel, which say on which link a peer is.
    func wanted(_ peers: [PeerNode], table: [Route]) -> Wanted {
        var wanted = Wanted()
        var taken: [IPv4Network] = [own]
        for peer in peers.sorted(by: { $0.name < $1.name }) {
            guard cluster.contains(peer.network.address), peer.network.prefixLength >= cluster.prefixLength,
                !taken.contains(where: { $0.overlaps(peer.network) })
            else {
                wanted.unreachable.append(
                    "\(peer.name): \(peer.network) overlaps with others or is no part of \(cluster)")
                continue
            }
            let others = table.filter { !isOwn($0) && $0.destination.contains(peer.address) }
            guard let way = others.max(by: { $0.precedes($1) }), way.gateway == nil else {
                wanted.unreachable.append("\(peer.name): \(peer.address) is on no network of this host")
                continue
            }
            taken.append(peer.network)
            wanted.routes.append(
                Route(peer.network, via: peer.address, link: way.link, origin: Self.origin, metric: instance.number))
        }
        return wanted
    }

    /// What must go and what must come, so that of ours exactly `wanted` is there.
    func changes(_ table: [Route], to wanted: [Route]) -> (delete: [Route], add: [Route]) {
        let present = Set(table.filter(isOwn))
        let target = Set(wanted)
        let added = wanted.filter { !present.contains($0) }
        // A route to the same destination is replaced in one step.
        let replaced = Set(added.map(\.destination))
        return (present.subtracting(target).filter { !replaced.contains($0.destination) }.sorted(), added)
    }

    func isOwn(_ route: Route) -> Bool {
        route.origin == Self.origin && route.metric == instance.number
    }
}

extension Route {
    /// Whether the kernel prefers `other` for an address that both lead to.
    fileprivate func precedes(_ other: Route) -> Bool {
        (destination.prefixLength, UInt32.max - metric) < (other.destination.prefixLength, UInt32.max - other.metric)
    }
}

extension Sequence<Route> {
    fileprivate func sorted() -> [Route] {
        sorted { $0.destination.address < $1.destination.address }
    }
}

extension InstanceName {
    /// The id as a number from 1: base 36 of at most six digits, less than 2^32.
    var number: UInt32 { UInt32(id, radix: 36).map { $0 + 1 } ?? 1 }
}
