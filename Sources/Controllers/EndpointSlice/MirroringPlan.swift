import APIMachinery
import KubernetesAPI

/// What to do so that EndpointSlices say the same as an Endpoints object that no controller of ours keeps.
package struct MirroringPlan: Sendable {
    package private(set) var actions: [EndpointSlicePlan.Action] = []
    /// Addresses beyond `capacity`, which are not mirrored.
    package private(set) var skipped = 0

    static let manager = "endpointslicemirroring-controller.k8s.io"
    /// Addresses of one subset, and endpoints of one slice.
    static let capacity = 1_000
    private static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"
    private static let leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"
    /// What is said of the Endpoints object alone.
    private static let ownAnnotations: Set = [
        "kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time",
    ]

    private struct Group: Hashable {
        let family: String
        let ports: [EndpointPort]

        var order: String { "\(family)/\(EndpointSlicePlan.order(ports))" }
    }

    /// - Parameters:
    ///   - service: the service of the same name.
    ///   - slices: the mirrors that there are.
    package init(of endpoints: Endpoints?, for service: Service?, slices: [EndpointSlice]) {
        guard let endpoints, let service, service.spec.selector.isEmpty, Self.isMirrored(endpoints) else {
            actions = slices.map { .delete($0) }
            return
        }
        let wanted = groups(endpoints)
        let sorted = slices.sorted { $0.metadata.name < $1.metadata.name }
        var present = Dictionary(grouping: sorted) { Group(family: $0.addressType, ports: $0.ports) }
        var taken = Set(slices.map { $0.metadata.name })
        for (group, list) in wanted.sorted(by: { $0.key.order < $1.key.order }) {
            var known = (present.removeValue(forKey: group) ?? [])[...]
            if let slice = known.popFirst() {
                let renewed = Self.fill(slice, endpoints, list)
                if renewed != slice { actions.append(.update(renewed)) }
            } else if endpoints.metadata.deletionTimestamp == nil {
                let name = EndpointSlicePlan.name(for: endpoints.metadata, group.ports, &taken)
                actions.append(.create(Self.slice(name, group, endpoints, list)))
            }
            actions += known.map { .delete($0) }
        }
        actions += sorted.filter { present[Group(family: $0.addressType, ports: $0.ports)] != nil }.map { .delete($0) }
    }

    /// Those by which something else elects its leader change with every renewal, and lead to nobody.
    private static func isMirrored(_ endpoints: Endpoints) -> Bool {
        endpoints.metadata.labels[skipLabel] != "true" && endpoints.metadata.annotations[leaderAnnotation] == nil
    }

    private mutating func groups(_ endpoints: Endpoints) -> [Group: [Endpoint]] {
        var groups: [Group: [Endpoint]] = [:]
        for subset in endpoints.subsets {
            let ports = subset.ports.map(Self.port)
            let all = subset.addresses.map { ($0, true) } + subset.notReadyAddresses.map { ($0, false) }
            skipped += max(0, all.count - Self.capacity)
            for (address, isReady) in all.prefix(Self.capacity) {
                let group = Group(family: address.ip.contains(":") ? "IPv6" : "IPv4", ports: ports)
                groups[group, default: []].append(Self.endpoint(address, isReady: isReady))
            }
        }
        for (group, list) in groups {
            var seen: Set<Endpoint> = []
            let distinct = list.filter { seen.insert($0).inserted }
            skipped += max(0, distinct.count - Self.capacity)
            groups[group] = Array(distinct.prefix(Self.capacity))
        }
        return groups
    }

    private static func port(_ port: EndpointSubsetPort) -> EndpointPort {
        EndpointPort {
            $0.name = port.name ?? ""
            $0.protocol = port.protocol
            $0.port = port.port
            $0.appProtocol = port.appProtocol
        }
    }

    private static func endpoint(_ address: EndpointAddress, isReady: Bool) -> Endpoint {
        Endpoint {
            $0.addresses = [address.ip]
            $0.conditions = EndpointConditions { $0.ready = isReady }
            $0.nodeName = address.nodeName
            $0.hostname = address.hostname
            $0.targetRef = address.targetRef
        }
    }

    private static func slice(
        _ name: String, _ group: Group, _ endpoints: Endpoints, _ list: [Endpoint]
    ) -> EndpointSlice {
        var slice = EndpointSlice(name: name, namespace: endpoints.metadata.namespace)
        slice.addressType = group.family
        slice.ports = group.ports
        return fill(slice, endpoints, list)
    }

    /// The slice with this content, and with the labels and annotations of its original.
    private static func fill(_ slice: EndpointSlice, _ endpoints: Endpoints, _ list: [Endpoint]) -> EndpointSlice {
        var slice = slice
        if slice.endpoints != list { slice.endpoints = list }
        var labels = endpoints.metadata.labels
        labels[EndpointSlicePlan.serviceLabel] = endpoints.metadata.name
        labels[EndpointSlicePlan.managerLabel] = manager
        if slice.metadata.labels != labels { slice.metadata.labels = labels }
        let annotations = endpoints.metadata.annotations.filter { !ownAnnotations.contains($0.key) }
        if slice.metadata.annotations != annotations { slice.metadata.annotations = annotations }
        let owners = [endpoints.controllerReference()]
        if slice.metadata.ownerReferences != owners { slice.metadata.ownerReferences = owners }
        return slice
    }
}
