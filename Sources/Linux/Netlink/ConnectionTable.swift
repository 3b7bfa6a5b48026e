import CNetlink
import Glibc

/// A connection the kernel tracks, as it was begun and as its answers come.
package struct TrackedConnection: Hashable, Sendable {
    package let transport: UInt8
    package let source: IPv4Address
    package let destination: IPv4Address
    package let destinationPort: UInt16
    /// Where answers come from: the destination itself, or what it was translated to.
    package let replySource: IPv4Address
    package let replySourcePort: UInt16

    package init(
        transport: UInt8, source: IPv4Address, destination: IPv4Address, destinationPort: UInt16,
        replySource: IPv4Address, replySourcePort: UInt16
    ) {
        self.transport = transport
        self.source = source
        self.destination = destination
        self.destinationPort = destinationPort
        self.replySource = replySource
        self.replySourcePort = replySourcePort
    }
}

/// The connections that the kernel tracks in the network namespace of the thread that calls.
package struct ConnectionTable: Sendable {
    package init() {}

    /// Forgets the connections for which `isStale` holds, so that their next packet is translated anew. Returns how many.
    /// Takes time in proportion to all connections of the host.
    package func forget(where isStale: (TrackedConnection) -> Bool) throws(NetlinkError) -> Int {
        let socket = try NetlinkSocket(family: NETLINK_NETFILTER)
        let listing = Self.request(IPCTNL_MSG_CT_GET, 0)
        var count = 0
        for message in try socket.dump(listing, "connections") {
            let attributes = message.attributes(after: MemoryLayout<nfgenmsg>.size)
            guard let connection = TrackedConnection(attributes), isStale(connection),
                let original = attributes[Int(CTA_TUPLE_ORIG.rawValue)]
            else { continue }
            if try Self.delete(Array(original), attributes, socket) { count += 1 }
        }
        return count
    }

    /// False where the connection ended in between.
    private static func delete(
        _ original: [UInt8], _ attributes: NetlinkAttributes, _ socket: NetlinkSocket
    ) throws(NetlinkError) -> Bool {
        var request = request(IPCTNL_MSG_CT_DELETE, 0)
        request.put(Int(CTA_TUPLE_ORIG.rawValue) | Int(NLA_F_NESTED), original)
        if let id = attributes[Int(CTA_ID.rawValue)] { request.put(Int(CTA_ID.rawValue), Array(id)) }
        do throws(NetlinkError) {
            try socket.transact(request, "forget", "connection")
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }

    private static func request(_ type: cntl_msg_types, _ flags: CInt) -> NetlinkRequest {
        var header = nfgenmsg()
        header.nfgen_family = UInt8(AF_INET)
        header.version = UInt8(NFNETLINK_V0)
        return NetlinkRequest(type: Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(type.rawValue), flags: flags, header)
    }
}

extension TrackedConnection {
    fileprivate init?(_ attributes: NetlinkAttributes) {
        guard let original = attributes.nested(Int(CTA_TUPLE_ORIG.rawValue)),
            let reply = attributes.nested(Int(CTA_TUPLE_REPLY.rawValue)),
            let addresses = original.nested(Int(CTA_TUPLE_IP.rawValue)),
            let protocols = original.nested(Int(CTA_TUPLE_PROTO.rawValue)),
            let source = addresses.address(Int(CTA_IP_V4_SRC.rawValue)),
            let destination = addresses.address(Int(CTA_IP_V4_DST.rawValue)),
            let transport = protocols.bigEndian(Int(CTA_PROTO_NUM.rawValue)),
            let port = protocols.bigEndian(Int(CTA_PROTO_DST_PORT.rawValue)),
            let replySource = reply.nested(Int(CTA_TUPLE_IP.rawValue))?.address(Int(CTA_IP_V4_SRC.rawValue)),
            let replyPort = reply.nested(Int(CTA_TUPLE_PROTO.rawValue))?.bigEndian(Int(CTA_PROTO_SRC_PORT.rawValue))
        else { return nil }
        self.init(
            transport: UInt8(truncatingIfNeeded: transport), source: source, destination: destination,
            destinationPort: UInt16(truncatingIfNeeded: port), replySource: replySource,
            replySourcePort: UInt16(truncatingIfNeeded: replyPort))
    }
}
