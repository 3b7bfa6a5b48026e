import Client
import KubernetesAPI
import Linux

extension ProxiedPort {
    /// Leave a service, or endpoints of one, to another proxy or to none.
    private static let exemptingLabels = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"]
    /// How long a client stays with its endpoint where the service says only that it does.
    private static let defaultAffinitySeconds: UInt32 = 10_800

    /// The ports of a service that rules are made for, with their endpoints in IPv4 slices. None for a headless or
    /// external service.
    ///
    /// - Parameter node: the name of this node, for what is local.
    static func ports(
        of service: Service, slices: [EndpointSlice], node: String
    ) -> [ProxiedPortName: ProxiedPort] {
        let spec = service.spec
        guard spec.type != "ExternalName", spec.clusterIP != "None",
            !isExempt(service.metadata.labels)
        else { return [:] }
        let slices = slices.filter { !isExempt($0.metadata.labels) }
        let candidates = spec.clusterIPs.isEmpty ? [spec.clusterIP ?? ""] : spec.clusterIPs
        let address = candidates.lazy.compactMap { IPv4Address($0) }.first
        let external = externalAddresses(service)
        var result: [ProxiedPortName: ProxiedPort] = [:]
        for servicePort in spec.ports {
            guard let transport = TransportProtocol(apiName: servicePort.protocol),
                let number = UInt16(exactly: servicePort.port)
            else { continue }
            let portName = servicePort.name ?? ""
            var port = ProxiedPort(transport: transport, port: number, clusterAddress: address)
            port.externalAddresses = external
            if spec.type != "ClusterIP" {
                port.nodePort = servicePort.nodePort.flatMap { $0 > 0 ? UInt16(exactly: $0) : nil }
            }
            if spec.sessionAffinity == "ClientIP" {
                let seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
                port.affinitySeconds = seconds.flatMap { UInt32(exactly: $0) } ?? defaultAffinitySeconds
            }
            port.staysLocalInside = spec.internalTrafficPolicy == "Local"
            port.staysLocalOutside = spec.externalTrafficPolicy == "Local"
            port.endpoints = slices.flatMap { endpoints(in: $0, named: portName, transport, node: node) }
            let name = ProxiedPortName(
                namespace: service.metadata.namespace, service: service.metadata.name, port: portName)
            result[name] = port
        }
        return result
    }

    private static func isExempt(_ labels: [String: String]) -> Bool {
        exemptingLabels.contains { labels[$0] != nil }
    }

    private static func externalAddresses(_ service: Service) -> [IPv4Address] {
        let ingress = service.status.loadBalancer.ingress.filter { $0.ipMode != "Proxy" }.compactMap(\.ip)
        var seen: Set<IPv4Address> = []
        return (service.spec.externalIPs + ingress).compactMap { IPv4Address($0) }.filter { seen.insert($0).inserted }
    }

    private static func endpoints(
        in slice: EndpointSlice, named name: String, _ transport: TransportProtocol, node: String
    ) -> [ProxiedEndpoint] {
        guard slice.addressType == "IPv4",
            let slicePort = slice.ports.first(where: {
                $0.name == name && TransportProtocol(apiName: $0.protocol) == transport
            }), let number = slicePort.port.flatMap({ UInt16(exactly: $0) })
        else { return [] }
        return slice.endpoints.compactMap { endpoint in
            guard let address = endpoint.addresses.first.flatMap({ IPv4Address($0) }) else { return nil }
            let isReady = endpoint.conditions.ready ?? true
            return ProxiedEndpoint(
                address, number, isReady: isReady,
                isServingWhileTerminating: endpoint.conditions.terminating == true
                    && (endpoint.conditions.serving ?? isReady),
                isLocal: endpoint.nodeName == node)
        }
    }
}

extension TransportProtocol {
    /// By its name in the API: `TCP`, `UDP` or `SCTP`.
    fileprivate init?(apiName: String) {
        switch apiName {
        case "TCP": self = .tcp
        case "UDP": self = .udp
        case "SCTP": self = .sctp
        default: return nil
        }
    }
}
