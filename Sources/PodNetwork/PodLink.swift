import Glibc
import Linux

/// The link of one pod: a veth pair, the host's end named for the pod's address, the pod's end `eth0`.
///
/// Both sides know the other's hardware address as a permanent neighbour, so no pod ever speaks or hears ARP. The
/// host's end holds no address; strict reverse path filtering on it keeps a pod from using another's address.
struct PodLink {
    let hostName: String
    let address: IPv4Address
    let gateway: IPv4Address
    let mtu: UInt32

    /// Whether the host's own loopback addresses lead to this pod by a port of the node.
    let routesLoopback: Bool

    static let podName = "eth0"
    private var hostHardware: MACAddress { MACAddress(tag: 0x57, address: address) }
    private var podHardware: MACAddress { MACAddress(tag: 0x58, address: address) }

    /// Makes the link, or completes it where an earlier call was interrupted. Blocks; call it on the network thread.
    func establish(host: borrowing RouteSocket, pod: borrowing NetworkNamespace) throws(NetlinkError) {
        let inPod = try pod.enter { () throws(NetlinkError) in
            try Self.hardenPod()
            return try RouteSocket()
        }
        if try inPod.link(named: Self.podName) == nil {
            try create(host: host, pod: pod)
        }
        try configurePod(inPod)
        try configureHost(host)
    }

    private func create(host: borrowing RouteSocket, pod: borrowing NetworkNamespace) throws(NetlinkError) {
        // A link of this name is a rest of an earlier sandbox: the address, and with it the name, is ours alone.
        if try host.link(named: hostName) != nil { try host.deleteLink(name: hostName) }
        try host.createVeth(
            near: .init(name: hostName, hardwareAddress: hostHardware),
            far: .init(name: Self.podName, hardwareAddress: podHardware), farNamespace: pod.descriptor, mtu: mtu)
    }

    private func configurePod(_ socket: borrowing RouteSocket) throws(NetlinkError) {
        for link in try socket.links() where link.name == "lo" || link.name == Self.podName {
            if !link.isUp { try socket.setUp(link: link.index) }
            guard link.name == Self.podName else { continue }
            try socket.add(LinkAddress(link: link.index, address: address, prefixLength: 32))
            try socket.addNeighbour(gateway, at: hostHardware, link: link.index)
            let everywhere = IPv4Network(IPv4Address(0), prefixLength: 0)
            try socket.add(Route(everywhere, via: gateway, link: link.index, isOnLink: true))
        }
    }

    /// Puts the host's side in order: no IPv6, reverse path filter, neighbour, route.
    func configureHost(_ socket: borrowing RouteSocket) throws(NetlinkError) {
        guard let link = try socket.link(named: hostName) else {
            throw NetlinkError("find link", hostName, code: ENODEV)
        }
        try NetworkSysctl("ipv4/conf/\(hostName)/rp_filter").write("1")
        try refuseRouters()
        if routesLoopback { try NetworkSysctl("ipv4/conf/\(hostName)/route_localnet").write("1") }
        try socket.addNeighbour(address, at: podHardware, link: link.index)
        try socket.add(Route(IPv4Network(address, prefixLength: 32), link: link.index, source: gateway))
    }

    /// Pods have IPv4 alone. Over IPv6 the host would take whoever in the pod says so for its router (CVE-2020-10749), and be reached past all rules for IPv4.
    func refuseRouters() throws(NetlinkError) {
        let setting = NetworkSysctl("ipv6/conf/\(hostName)/disable_ipv6")
        do throws(NetlinkError) {
            if try setting.read() != "1" { try setting.write("1") }
        } catch  where error.code == ENOENT {}  // a kernel without IPv6, or a link that is gone
    }

    /// A pod that reaches itself through a service sees its packets come back over the same link, for which the host
    /// may send a redirect. It must not be believed.
    private static func hardenPod() throws(NetlinkError) {
        for scope in ["all", "default"] {
            try NetworkSysctl("ipv4/conf/\(scope)/accept_redirects").write("0")
        }
    }
}
