import Client
import KubernetesAPI
import Linux
import Synchronization

extension ClusterDNS {
    /// Follows services and endpoint slices and keeps the names equal to them, until the task is cancelled.
    ///
    /// The informers run elsewhere; that of the slices needs `EndpointSlice.serviceIndex`.
    package nonisolated func run(services: Informer<Service>, slices: Informer<EndpointSlice>) async {
        // What is read must be set before anyone reads again: else the older of two states could come last.
        let turn = Turn()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in services.subscribe() {
                    switch event {
                    case .added(let service), .updated(_, let service), .deleted(let service):
                        turn.take { self.refresh(service.key, services, slices) }
                    case .synced: break
                    }
                }
            }
            group.addTask {
                for await event in slices.subscribe() {
                    let changed: [EndpointSlice]
                    switch event {
                    case .added(let slice), .deleted(let slice): changed = [slice]
                    case .updated(let old, let new): changed = [old, new]
                    case .synced: changed = []
                    }
                    for key in Set(changed.compactMap(\.service)) {
                        turn.take { self.refresh(key, services, slices) }
                    }
                }
            }
            await group.waitForAll()
        }
    }

    /// By what the informers know now, whichever event came first.
    private nonisolated func refresh(_ key: ObjectKey, _ services: Informer<Service>, _ slices: Informer<EndpointSlice>)
    {
        let names = services.get(key).flatMap {
            ServiceNames.of($0, slices: slices.list(index: EndpointSlice.byService, "\(key)"))
        }
        set(names, namespace: key.namespace, name: key.name)
    }
}

/// Lets one in at a time.
private final class Turn: Sendable {
    private let lock = Mutex(())

    func take(_ body: () -> Void) { lock.withLock { _ in body() } }
}

extension ServiceNames {
    /// The names of a service; nil where it has none yet.
    static func of(_ service: Service, slices: [EndpointSlice]) -> ServiceNames? {
        kind(of: service, slices: slices).map {
            ServiceNames(namespace: service.metadata.namespace, name: service.metadata.name, kind: $0)
        }
    }

    private static func kind(of service: Service, slices: [EndpointSlice]) -> Kind? {
        let spec = service.spec
        if spec.type == "ExternalName" { return spec.externalName.flatMap { DNSName($0) }.map { .external($0) } }
        if spec.clusterIP == "None" {
            return .headless(slices.flatMap { endpoints(in: $0, all: spec.publishNotReadyAddresses) })
        }
        let candidates = spec.clusterIPs.isEmpty ? [spec.clusterIP ?? ""] : spec.clusterIPs
        guard let address = candidates.lazy.compactMap({ IPv4Address($0) }).first else { return nil }
        let ports = spec.ports.compactMap { port -> NamedPort? in
            guard let name = port.name, let number = UInt16(exactly: port.port) else { return nil }
            return NamedPort(name: name, transport: port.protocol.lowercased(), port: number)
        }
        return .cluster(address, ports: ports)
    }

    private static func endpoints(in slice: EndpointSlice, all: Bool) -> [Endpoint] {
        guard slice.addressType == "IPv4" else { return [] }
        let ports = slice.ports.compactMap { port -> NamedPort? in
            guard let number = port.port.flatMap({ UInt16(exactly: $0) }), !port.name.isEmpty else { return nil }
            return NamedPort(name: port.name, transport: port.protocol.lowercased(), port: number)
        }
        return slice.endpoints.flatMap { endpoint -> [Endpoint] in
            guard all || endpoint.conditions.ready ?? true else { return [] }
            return endpoint.addresses.compactMap { IPv4Address($0) }.map {
                Endpoint($0, hostname: endpoint.hostname, ports: ports)
            }
        }
    }
}
