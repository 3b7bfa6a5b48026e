import CNetlink
import Glibc

extension RouteSocket {
    /// Adds a route to the main table, or replaces the one to the same destination with the same metric.
    package func add(_ route: Route) throws(NetlinkError) {
        let request = Self.request(Int(RTM_NEWROUTE), NLM_F_CREATE | NLM_F_REPLACE, route)
        try socket.transact(request, "add route to", "\(route.destination)")
    }

    /// Deletes a route. ESRCH where there is none.
    package func delete(_ route: Route) throws(NetlinkError) {
        let request = Self.request(Int(RTM_DELROUTE), 0, route)
        try socket.transact(request, "delete route to", "\(route.destination)")
    }

    /// The unicast IPv4 routes of the main table that leave through one link.
    package func routes() throws(NetlinkError) -> [Route] {
        var filter = rtmsg()
        filter.rtm_family = UInt8(AF_INET)
        let request = NetlinkRequest(type: Int(RTM_GETROUTE), flags: 0, filter)
        return try socket.dump(request, "routes").compactMap { Self.route($0) }
    }

    private static func request(_ type: Int, _ flags: CInt, _ route: Route) -> NetlinkRequest {
        var information = rtmsg()
        information.rtm_family = UInt8(AF_INET)
        information.rtm_dst_len = route.destination.prefixLength
        information.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        information.rtm_protocol = route.origin
        information.rtm_scope = route.scope.rawValue
        information.rtm_type = UInt8(RTN_UNICAST)
        information.rtm_flags = route.isOnLink ? UInt32(RTNH_F_ONLINK) : 0
        var request = NetlinkRequest(type: type, flags: flags, information)
        if route.destination.prefixLength > 0 { request.put(Int(RTA_DST.rawValue), route.destination.address) }
        if let gateway = route.gateway { request.put(Int(RTA_GATEWAY.rawValue), gateway) }
        if let source = route.source { request.put(Int(RTA_PREFSRC.rawValue), source) }
        request.put(Int(RTA_OIF.rawValue), route.link)
        if route.metric > 0 { request.put(Int(RTA_PRIORITY.rawValue), route.metric) }
        return request
    }

    private static func route(_ message: NetlinkMessage) -> Route? {
        guard message.type == Int(RTM_NEWROUTE), let information = message.extra(as: rtmsg.self),
            UInt32(information.rtm_table) == UInt32(RT_TABLE_MAIN.rawValue),
            CInt(information.rtm_type) == CInt(RTN_UNICAST)
        else { return nil }
        let attributes = message.attributes(after: MemoryLayout<rtmsg>.size)
        guard let link = attributes.uint32(Int(RTA_OIF.rawValue)) else { return nil }
        let address = attributes.address(Int(RTA_DST.rawValue)) ?? IPv4Address(0)
        var route = Route(
            IPv4Network(address, prefixLength: information.rtm_dst_len),
            via: attributes.address(Int(RTA_GATEWAY.rawValue)), link: link,
            source: attributes.address(Int(RTA_PREFSRC.rawValue)),
            isOnLink: information.rtm_flags & UInt32(RTNH_F_ONLINK) != 0, origin: information.rtm_protocol,
            metric: attributes.uint32(Int(RTA_PRIORITY.rawValue)) ?? 0)
        route.scope = Route.Scope(rawValue: information.rtm_scope) ?? route.scope
        return route
    }
}
