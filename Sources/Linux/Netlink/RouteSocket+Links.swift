import CNetlink
import Glibc

extension RouteSocket {
    /// One end of a veth pair to be made.
    package struct LinkEnd: Sendable {
        package var name: String
        package var hardwareAddress: MACAddress?

        package init(name: String, hardwareAddress: MACAddress? = nil) {
            self.name = name
            self.hardwareAddress = hardwareAddress
        }
    }

    /// Makes a veth pair: `near` in this namespace and up, `far` directly in the namespace `descriptor` stands for.
    /// The pair exists whole or not at all. EEXIST where one of the names is taken.
    package func createVeth(
        near: LinkEnd, far: LinkEnd, farNamespace descriptor: CInt, mtu: UInt32
    ) throws(NetlinkError) {
        var information = ifinfomsg()
        information.ifi_flags = UInt32(IFF_UP)
        information.ifi_change = UInt32(IFF_UP)
        var request = NetlinkRequest(type: Int(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL, information)
        Self.put(near, mtu: mtu, in: &request)
        request.nest(Int(IFLA_LINKINFO)) { request in
            request.put(Int(IFLA_INFO_KIND), "veth")
            request.nest(Int(IFLA_INFO_DATA)) { request in
                request.nest(Int(VETH_INFO_PEER)) { request in
                    request.append(ifinfomsg())
                    Self.put(far, mtu: mtu, in: &request)
                    request.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: descriptor))
                }
            }
        }
        try socket.transact(request, "create veth pair", near.name)
    }

    /// Makes a bridge without ports. It serves as a link that holds addresses of this host, where dummy links are missing.
    package func createBridge(name: String, mtu: UInt32) throws(NetlinkError) {
        var request = NetlinkRequest(type: Int(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL, ifinfomsg())
        request.put(Int(IFLA_IFNAME), name)
        request.put(Int(IFLA_MTU), mtu)
        request.nest(Int(IFLA_LINKINFO)) { $0.put(Int(IFLA_INFO_KIND), "bridge") }
        try socket.transact(request, "create bridge", name)
    }

    package func setUp(link index: UInt32) throws(NetlinkError) {
        var information = ifinfomsg()
        information.ifi_index = Int32(bitPattern: index)
        information.ifi_flags = UInt32(IFF_UP)
        information.ifi_change = UInt32(IFF_UP)
        try socket.transact(NetlinkRequest(type: Int(RTM_NEWLINK), flags: 0, information), "set up link", "\(index)")
    }

    /// Deletes a link by name, and with it its peer, addresses and routes. ENODEV where there is none.
    package func deleteLink(name: String) throws(NetlinkError) {
        var request = NetlinkRequest(type: Int(RTM_DELLINK), flags: 0, ifinfomsg())
        request.put(Int(IFLA_IFNAME), name)
        try socket.transact(request, "delete link", name)
    }

    package func links() throws(NetlinkError) -> [Link] {
        let request = NetlinkRequest(type: Int(RTM_GETLINK), flags: 0, ifinfomsg())
        return try socket.dump(request, "links").compactMap { Self.link($0) }
    }

    /// The link of that name, nil where there is none.
    package func link(named name: String) throws(NetlinkError) -> Link? {
        try links().first { $0.name == name }
    }

    private static func put(_ end: LinkEnd, mtu: UInt32, in request: inout NetlinkRequest) {
        request.put(Int(IFLA_IFNAME), end.name)
        request.put(Int(IFLA_MTU), mtu)
        if let address = end.hardwareAddress { request.put(Int(IFLA_ADDRESS), address.bytes) }
    }

    private static func link(_ message: NetlinkMessage) -> Link? {
        guard message.type == Int(RTM_NEWLINK), let information = message.extra(as: ifinfomsg.self) else { return nil }
        let attributes = message.attributes(after: MemoryLayout<ifinfomsg>.size)
        guard let name = attributes.string(Int(IFLA_IFNAME)) else { return nil }
        return Link(
            index: UInt32(bitPattern: information.ifi_index), name: name,
            isUp: information.ifi_flags & UInt32(IFF_UP) != 0,
            mtu: attributes.uint32(Int(IFLA_MTU)) ?? 0,
            kind: attributes.nested(Int(IFLA_LINKINFO))?.string(Int(IFLA_INFO_KIND)),
            hardwareAddress: Array(attributes[Int(IFLA_ADDRESS)] ?? []))
    }
}
