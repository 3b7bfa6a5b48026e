import Linux

/// What the host has in the way of a pod or service network: another instance, or a network of the site.
package enum HostNetworks {
    /// - Parameter instance: whose links are no obstacle; nil: there is none yet.
    /// - Throws: `invalid` where a network has an address of the host in it, and before there is an instance also where a route leads to it or to a part
    ///   of it: one that comes later does not keep a node from its pods.
    package static func check(_ networks: [IPv4Network], of instance: InstanceName?) throws(PodNetworkError) {
        let obstacle: String?
        do throws(NetlinkError) { obstacle = try find(networks, instance) } catch { throw .kernel(sandbox: nil, error) }
        if let obstacle { throw .invalid("\(obstacle); give this instance another pod or service network") }
    }

    private static func find(_ networks: [IPv4Network], _ instance: InstanceName?) throws(NetlinkError) -> String? {
        let socket = try RouteSocket()
        let links = Dictionary(try socket.links().map { ($0.index, $0.name) }, uniquingKeysWith: { $1 })
        func isOwn(_ link: UInt32) -> Bool { instance.map { links[link]?.hasPrefix($0.linkPrefix) == true } ?? false }
        func name(_ link: UInt32) -> String { links[link] ?? "\(link)" }
        for address in try socket.addresses() where !isOwn(address.link) {
            if let network = networks.first(where: { $0.contains(address.address) }) {
                return "\(network) is in use: link \(name(address.link)) of this host has address \(address.address)"
            }
        }
        for route in instance == nil ? try socket.routes() : [] {
            let target = route.destination
            let network = networks.first { $0.contains(target.address) && $0.prefixLength <= target.prefixLength }
            if let network {
                return "\(network) is in use: this host has a route to \(target) by link \(name(route.link))"
            }
        }
        return nil
    }
}
