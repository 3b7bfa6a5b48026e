import APIMachinery
import KubernetesAPI

/// What to do so that the EndpointSlices of a service name the pods behind it.
package struct EndpointSlicePlan: Sendable {
    package enum Action: Sendable, Hashable {
        case create(EndpointSlice)
        case update(EndpointSlice)
        case delete(EndpointSlice)
    }

    package private(set) var actions: [Action] = []

    static let serviceLabel = "kubernetes.io/service-name"
    static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    static let manager = "endpointslice-controller.k8s.io"
    static let headlessLabel = "service.kubernetes.io/headless"
    /// Endpoints in one slice.
    static let capacity = 100

    private let service: Service
    private let family: String
    private let labels: [String: String]

    /// - Parameters:
    ///   - pods: the pods that the service selects.
    ///   - slices: the slices of this service that this controller manages.
    ///   - zones: zones by node name.
    package init(for service: Service, pods: [Pod], slices: [EndpointSlice], zones: [String: String]) {
        self.service = service
        family = service.spec.ipFamilies.first ?? "IPv4"
        labels = Self.labels(of: service)
        let backends = pods.compactMap { pod in
            ServiceBackend(pod, of: service, family: family, zone: pod.spec.nodeName.flatMap { zones[$0] })
        }
        var groups = Dictionary(grouping: backends) { $0.ports }
        if groups.isEmpty {
            // One empty slice says that the service is known and has nobody.
            groups[[]] = []
        }
        let mine = slices.sorted { $0.metadata.name < $1.metadata.name }
        for (ports, backends) in groups.sorted(by: { Self.order($0.key) < Self.order($1.key) }) {
            arrange(backends.map(\.endpoint), ports: ports, in: mine)
        }
        let used = Set(groups.keys)
        actions += mine.filter { !used.contains($0.ports) || $0.addressType != family }.map(Action.delete)
    }

    private static func labels(of service: Service) -> [String: String] {
        var labels = service.metadata.labels
        labels[serviceLabel] = service.metadata.name
        labels[managerLabel] = manager
        if service.spec.clusterIP == "None" { labels[headlessLabel] = "" }
        return labels
    }

    static func order(_ ports: [EndpointPort]) -> String {
        ports.map { "\($0.name)/\($0.protocol)/\($0.port ?? 0)" }.joined(separator: ",")
    }

    /// Keeps each endpoint in the slice that has it, so that a change touches few slices; fills what has room, then makes more.
    private mutating func arrange(_ endpoints: [Endpoint], ports: [EndpointPort], in slices: [EndpointSlice]) {
        let fitting = slices.filter { $0.ports == ports && $0.addressType == family }
        var waiting: [String: Endpoint] = [:]
        for endpoint in endpoints { waiting[Self.identity(endpoint)] = endpoint }
        var contents = fitting.map { slice in
            slice.endpoints.compactMap { waiting.removeValue(forKey: Self.identity($0)) }
        }
        var rest = waiting.sorted { $0.key < $1.key }.map(\.value)[...]
        for index in contents.indices where contents[index].count < Self.capacity {
            let taken = rest.prefix(Self.capacity - contents[index].count)
            contents[index] += taken
            rest = rest.dropFirst(taken.count)
        }
        for (index, slice) in fitting.enumerated() {
            let isLastEmpty = endpoints.isEmpty && index == 0
            if contents[index].isEmpty, !isLastEmpty {
                actions.append(.delete(slice))
            } else {
                renew(slice, contents[index])
            }
        }
        var taken = Set(slices.map { $0.metadata.name })
        repeat {
            guard !rest.isEmpty || fitting.isEmpty else { return }
            actions.append(.create(slice(ports, Array(rest.prefix(Self.capacity)), &taken)))
            rest = rest.dropFirst(Self.capacity)
        } while !rest.isEmpty
    }

    private static func identity(_ endpoint: Endpoint) -> String {
        endpoint.targetRef?.uid ?? endpoint.addresses.joined(separator: ",")
    }

    private mutating func renew(_ slice: EndpointSlice, _ endpoints: [Endpoint]) {
        var changed = slice
        if slice.endpoints != endpoints { changed.endpoints = endpoints }
        if slice.metadata.labels != labels { changed.metadata.labels = labels }
        if changed != slice { actions.append(.update(changed)) }
    }

    /// The name follows from what the slice is made of and what is taken: a second attempt makes no second slice.
    static func name(for source: ObjectMeta, _ ports: [EndpointPort], _ taken: inout Set<String>) -> String {
        var ordinal = 0
        var name: String
        repeat {
            name = "\(source.name)-\(ShortHash.text("\(source.uid)/\(order(ports))/\(ordinal)"))"
            ordinal += 1
        } while !taken.insert(name).inserted
        return name
    }

    private func slice(_ ports: [EndpointPort], _ endpoints: [Endpoint], _ taken: inout Set<String>) -> EndpointSlice {
        let name = Self.name(for: service.metadata, ports, &taken)
        var slice = EndpointSlice(name: name, namespace: service.metadata.namespace)
        slice.metadata.labels = labels
        slice.metadata.ownerReferences = [service.controllerReference()]
        slice.addressType = family
        slice.ports = ports
        slice.endpoints = endpoints
        return slice
    }
}
