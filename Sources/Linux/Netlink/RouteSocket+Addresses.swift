import CNetlink
import Glibc

extension RouteSocket {
    /// Puts an address on a link; nothing happens where it is there already.
    package func add(_ address: LinkAddress) throws(NetlinkError) {
        let request = Self.request(Int(RTM_NEWADDR), NLM_F_CREATE | NLM_F_REPLACE, address)
        try socket.transact(request, "add address", "\(address.address)/\(address.prefixLength)")
    }

    /// Takes an address from a link. EADDRNOTAVAIL where it is not there.
    package func delete(_ address: LinkAddress) throws(NetlinkError) {
        let request = Self.request(Int(RTM_DELADDR), 0, address)
        try socket.transact(request, "delete address", "\(address.address)/\(address.prefixLength)")
    }

    package func addresses() throws(NetlinkError) -> [LinkAddress] {
        var filter = ifaddrmsg()
        filter.ifa_family = UInt8(AF_INET)
        let request = NetlinkRequest(type: Int(RTM_GETADDR), flags: 0, filter)
        return try socket.dump(request, "addresses").compactMap { message in
            guard message.type == Int(RTM_NEWADDR), let information = message.extra(as: ifaddrmsg.self),
                let address = message.attributes(after: MemoryLayout<ifaddrmsg>.size).address(Int(IFA_LOCAL))
            else { return nil }
            return LinkAddress(
                link: information.ifa_index, address: address, prefixLength: information.ifa_prefixlen)
        }
    }

    /// Sets a permanent neighbour: `address` is at `hardwareAddress` on the link, and nobody asks by ARP.
    package func addNeighbour(
        _ address: IPv4Address, at hardwareAddress: MACAddress, link: UInt32
    ) throws(NetlinkError) {
        var information = ndmsg()
        information.ndm_family = UInt8(AF_INET)
        information.ndm_ifindex = Int32(bitPattern: link)
        information.ndm_state = UInt16(NUD_PERMANENT)
        var request = NetlinkRequest(type: Int(RTM_NEWNEIGH), flags: NLM_F_CREATE | NLM_F_REPLACE, information)
        request.put(Int(NDA_DST), address)
        request.put(Int(NDA_LLADDR), hardwareAddress.bytes)
        try socket.transact(request, "add neighbour", "\(address)")
    }

    private static func request(_ type: Int, _ flags: CInt, _ address: LinkAddress) -> NetlinkRequest {
        var information = ifaddrmsg()
        information.ifa_family = UInt8(AF_INET)
        information.ifa_prefixlen = address.prefixLength
        information.ifa_index = address.link
        var request = NetlinkRequest(type: type, flags: flags, information)
        request.put(Int(IFA_LOCAL), address.address)
        request.put(Int(IFA_ADDRESS), address.address)
        return request
    }
}
