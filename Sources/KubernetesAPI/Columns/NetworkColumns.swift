import APIMachinery
import JSONTree

extension TableDefinition {
    static let service = TableDefinition(
        Service.self,
        [
            .name,
            .init("Type", "How the service is reached."),
            .init("Cluster-IP", "Address inside the cluster."),
            .init("External-IP", "Addresses that lead to the service from outside."),
            .init("Port(s)", "Ports, with the nodes' ports after a colon."),
            .age,
            .init("Selector", "Labels of the pods behind the service.", priority: 1),
        ]
    ) { service, now in
        let spec = service.spec
        let selector = spec.selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return [
            .string(service.metadata.name),
            .string(spec.type),
            .text(spec.clusterIP ?? spec.clusterIPs.first),
            .string(externalAddresses(service)),
            .text(spec.ports.map(portText).joined(separator: ",")),
            .age(service.metadata.creationTimestamp, now),
            .text(selector.joined(separator: ",")),
        ]
    }

    private static func portText(_ port: ServicePort) -> String {
        let node = port.nodePort.map { $0 > 0 ? ":\($0)" : "" } ?? ""
        return "\(port.port)\(node)/\(port.protocol)"
    }

    private static func externalAddresses(_ service: Service) -> String {
        let external = service.spec.externalIPs
        switch service.spec.type {
        case "ExternalName": return service.spec.externalName ?? ""
        case "LoadBalancer":
            let balancer = service.status.loadBalancer.ingress.compactMap { $0.ip ?? $0.hostname }
            let all = balancer + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        default: return external.isEmpty ? "<none>" : external.joined(separator: ",")
        }
    }

    static let endpointSlice = TableDefinition(
        EndpointSlice.self,
        [
            .name,
            .init("AddressType", "Kind of the addresses."),
            .init("Ports", "Ports that the endpoints serve."),
            .init("Endpoints", "Addresses of the endpoints."),
            .age,
        ]
    ) { slice, now in
        [
            .string(slice.metadata.name),
            .string(slice.addressType),
            .string(slicePorts(slice.ports)),
            .string(shortened(slice.endpoints.flatMap { $0.addresses }, limit: 3, none: "<unset>")),
            .age(slice.metadata.creationTimestamp, now),
        ]
    }

    private static func slicePorts(_ ports: [EndpointPort]) -> String {
        let texts = ports.map { port in
            port.port.map(String.init) ?? (port.name.isEmpty ? "*" : port.name)
        }
        return shortened(texts, limit: 3, none: "<unset>")
    }

    static let endpoints = TableDefinition(
        Endpoints.self,
        [.name, .init("Endpoints", "Addresses and ports that take traffic."), .age]
    ) { endpoints, now in
        let texts = endpoints.subsets.flatMap { subset in
            let ports = subset.ports
            guard !ports.isEmpty else { return subset.addresses.map { $0.ip } }
            let addresses = subset.addresses.map { $0.ip.contains(":") ? "[\($0.ip)]" : $0.ip }
            return ports.flatMap { port in addresses.map { "\($0):\(port.port)" } }
        }
        return [
            .string(endpoints.metadata.name),
            .string(shortened(texts, limit: 3, none: "<none>")),
            .age(endpoints.metadata.creationTimestamp, now),
        ]
    }

    /// The first few, and how many more there are.
    private static func shortened(_ texts: [String], limit: Int, none: String) -> String {
        guard !texts.isEmpty else { return none }
        let first = texts.prefix(limit).joined(separator: ",")
        return texts.count > limit ? "\(first) + \(texts.count - limit) more..." : first
    }
}
