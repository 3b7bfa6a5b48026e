import APIMachinery
import JSONTree
import KubernetesAPI

/// The Endpoints object of a service, for clients that know no EndpointSlice.
package struct EndpointsPlan: Sendable {
    package enum Action: Sendable, Hashable {
        case create(Endpoints)
        case update(Endpoints)
    }

    package let action: Action?

    /// Addresses beyond this are left out, and an annotation says so.
    static let capacity = 1_000
    static let managerLabel = "endpoints.kubernetes.io/managed-by"
    private static let overCapacity = "endpoints.kubernetes.io/over-capacity"

    package init(for service: Service, pods: [Pod], current: Endpoints?) {
        let family = service.spec.ipFamilies.first ?? "IPv4"
        let all = pods.compactMap { ServiceBackend($0, of: service, family: family, zone: nil) }
            .filter { $0.isReady || !$0.isTerminating }
            .sorted {
                ($0.addresses.first ?? "", $0.target.uid ?? "") < ($1.addresses.first ?? "", $1.target.uid ?? "")
            }
        var wanted = current ?? Endpoints(name: service.metadata.name, namespace: service.metadata.namespace)
        var labels = service.metadata.labels
        labels[Self.managerLabel] = "endpoint-controller"
        if service.spec.clusterIP == "None" { labels[EndpointSlicePlan.headlessLabel] = "" }
        if wanted.metadata.labels != labels { wanted.metadata.labels = labels }
        let note = all.count > Self.capacity ? "truncated" : nil
        if wanted.metadata.annotations[Self.overCapacity] != note {
            wanted.metadata.annotations[Self.overCapacity] = note
        }
        let subsets = Self.subsets(all.prefix(Self.capacity))
        if wanted.subsets != subsets { wanted.subsets = subsets }
        guard let current else {
            action = .create(wanted)
            return
        }
        action = wanted == current ? nil : .update(wanted)
    }

    private static func subsets(_ backends: some Sequence<ServiceBackend>) -> [EndpointSubset] {
        let groups = Dictionary(grouping: backends) { $0.ports }
        return groups.sorted { order($0.key) < order($1.key) }.map { ports, backends in
            EndpointSubset { subset in
                let ready = backends.filter(\.isReady).map(address)
                let others = backends.filter { !$0.isReady }.map(address)
                if !ready.isEmpty { subset.addresses = ready }
                if !others.isEmpty { subset.notReadyAddresses = others }
                if !ports.isEmpty { subset.ports = ports.map(port) }
            }
        }
    }

    private static func order(_ ports: [EndpointPort]) -> String {
        ports.map { "\($0.name)/\($0.protocol)/\($0.port ?? 0)" }.joined(separator: ",")
    }

    private static func address(_ backend: ServiceBackend) -> EndpointAddress {
        EndpointAddress {
            $0.ip = backend.addresses.first ?? ""
            $0.nodeName = backend.nodeName
            $0.hostname = backend.hostname
            $0.targetRef = backend.target
        }
    }

    private static func port(_ port: EndpointPort) -> EndpointSubsetPort {
        EndpointSubsetPort {
            $0.name = port.name.isEmpty ? nil : port.name
            $0.port = port.port ?? 0
            $0.protocol = port.protocol
            $0.appProtocol = port.appProtocol
        }
    }
}
