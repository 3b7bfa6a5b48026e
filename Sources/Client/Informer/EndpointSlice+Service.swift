import KubernetesAPI

extension EndpointSlice {
    /// The label that names the service a slice belongs to.
    package static let serviceNameLabel = "kubernetes.io/service-name"

    /// The service it belongs to; nil for a slice of no service.
    package var service: ObjectKey? {
        metadata.labels[Self.serviceNameLabel].map { ObjectKey(namespace: metadata.namespace, name: $0) }
    }

    /// The index of an informer that finds slices by the description of their service's key.
    package static let byService = "service"

    /// Give this to the informer whose slices are read with `byService`.
    package static let serviceIndex: [String: @Sendable (EndpointSlice) -> [String]] = [
        byService: { $0.service.map { ["\($0)"] } ?? [] }
    ]
}
