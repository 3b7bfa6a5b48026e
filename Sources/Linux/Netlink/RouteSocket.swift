import CNetlink
import Glibc

/// Links, addresses, routes and neighbours of one network namespace, over rtnetlink.
///
/// Bound to the namespace of the thread that opened it, for as long as it lives. Calls block for microseconds, or for
/// as long as the kernel's rtnl lock is held by others: use it on a thread of its own (`ThreadExecutor`).
package struct RouteSocket: ~Copyable {
    let socket: NetlinkSocket

    /// Opens a socket in the calling thread's network namespace.
    package init() throws(NetlinkError) {
        socket = try NetlinkSocket(family: NETLINK_ROUTE)
    }

    /// Longest name of a link, in bytes.
    package static let longestLinkName = Int(IFNAMSIZ) - 1
}

/// A network interface as the kernel lists it.
package struct Link: Hashable, Sendable {
    package let index: UInt32
    package let name: String
    package let isUp: Bool
    package let mtu: UInt32
    /// The driver's kind (`veth`, `bridge`); nil for hardware and loopback.
    package let kind: String?
    package let hardwareAddress: [UInt8]
}

/// An IPv4 address on a link.
package struct LinkAddress: Hashable, Sendable {
    package let link: UInt32
    package let address: IPv4Address
    package let prefixLength: UInt8

    package init(link: UInt32, address: IPv4Address, prefixLength: UInt8) {
        self.link = link
        self.address = address
        self.prefixLength = prefixLength
    }
}

/// An IPv4 route of the main table.
package struct Route: Hashable, Sendable {
    package enum Scope: UInt8, Sendable {
        case universe = 0
        case link = 253
    }

    package var destination: IPv4Network
    package var gateway: IPv4Address?
    package var link: UInt32
    /// The address that packets of this host get when they take this route.
    package var source: IPv4Address?
    package var scope: Scope
    /// The gateway counts as reachable on the link whatever the link's own addresses say.
    package var isOnLink: Bool
    /// Who made it (RTPROT_STATIC or a number of a routing program's own), and its rank among routes to the same destination: 0 comes first.
    package var origin: UInt8
    package var metric: UInt32

    /// RTPROT_STATIC.
    package static let plainOrigin: UInt8 = 4

    package init(
        _ destination: IPv4Network, via gateway: IPv4Address? = nil, link: UInt32, source: IPv4Address? = nil,
        isOnLink: Bool = false, origin: UInt8 = Route.plainOrigin, metric: UInt32 = 0
    ) {
        self.origin = origin
        self.metric = metric
        self.destination = destination
        self.gateway = gateway
        self.link = link
        self.source = source
        self.scope = gateway == nil ? .link : .universe
        self.isOnLink = isOnLink
    }
}
