import Glibc
import Linux

/// The node's own place in the pod network: a link that holds the gateway address, the way to the service addresses, and
/// forwarding.
///
/// The link is a bridge without ports, since not every kernel has dummy links. Its address makes the node reachable by
/// pods whatever other addresses the host has, also with none.
struct NodeLink {
    let configuration: PodNetworkConfiguration
    let directory: AddressDirectory

    static let forwarding = NetworkSysctl("ipv4/ip_forward")
    static let savedForwarding = "ip_forward.before"

    /// The MTU of the link with the default route; 1500 where there is none.
    static func uplinkMTU() throws(NetlinkError) -> UInt32 {
        let socket = try RouteSocket()
        guard let uplink = try socket.routes().first(where: { $0.destination.prefixLength == 0 }),
            let link = try socket.links().first(where: { $0.index == uplink.link }), link.mtu > 0
        else { return 1500 }
        return link.mtu
    }

    func establish(mtu: UInt32) throws(NetlinkError) {
        let socket = try RouteSocket()
        let name = configuration.instance.nodeLink
        if try socket.link(named: name) == nil { try socket.createBridge(name: name, mtu: mtu) }
        guard let link = try socket.link(named: name) else { throw NetlinkError("find link", name, code: ENODEV) }
        for old in try socket.addresses() where old.link == link.index && old.address != configuration.gateway {
            try socket.delete(old)
        }
        try socket.add(LinkAddress(link: link.index, address: configuration.gateway, prefixLength: 32))
        if !link.isUp { try socket.setUp(link: link.index) }
        // Packets to a service leave as if for this link; the rules give them their real destination before they do.
        try socket.add(Route(configuration.serviceNetwork, link: link.index, source: configuration.gateway))
    }

    /// Lets the host forward packets, and keeps what the setting was for the uninstallation.
    func enableForwarding() throws(PodNetworkError) {
        do throws(NetlinkError) {
            guard try Self.forwarding.read() != "1" else { return }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        if try directory.readFile(named: Self.savedForwarding) == nil {
            try directory.writeFile(named: Self.savedForwarding, "0")
        }
        do throws(NetlinkError) {
            try Self.forwarding.write("1")
        } catch {
            throw .kernel(sandbox: nil, error)
        }
    }

    /// Puts the host's forwarding back to what it was before `enableForwarding` changed it. Call it once our own links are
    /// gone.
    static func restoreForwarding(stateDirectory: String) throws(PodNetworkError) {
        let directory = try AddressDirectory(path: stateDirectory)
        guard let before = try directory.readFile(named: savedForwarding) else { return }
        do throws(NetlinkError) {
            // Another instance on this machine still needs it.
            let others = try RouteSocket().links().filter { $0.name.hasPrefix("sw-") && $0.name.hasSuffix("-n") }
            if others.isEmpty { try forwarding.write(before == "1" ? "1" : "0") }
        } catch {
            throw .kernel(sandbox: nil, error)
        }
        try directory.removeFile(named: savedForwarding)
    }
}
