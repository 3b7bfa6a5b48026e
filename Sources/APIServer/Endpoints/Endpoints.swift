import APIMachinery
import HTTP

/// Finds the endpoint for a request by its verb and subresource.
struct Endpoints: Sendable {
    let registry: ObjectRegistry
    let reviews = ReviewEndpoint()

    func answer(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        switch request.path.subresource {
        case nil: return try await object(request)
        case "status" where request.resource.kind.subresources.contains(.status): return try await status(request)
        default: throw .resourceNotFound()
        }
    }

    private func object(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let read = ReadEndpoint(registry: registry)
        switch request.verb {
        case .get: return try await read.get(request)
        case .list: return try await read.list(request, ListOptions(request.http))
        case .watch: return try await WatchEndpoint(registry: registry).watch(request, ListOptions(request.http))
        case .create:
            guard request.path.name == nil else { throw .methodNotAllowed(request.resource.name, "create") }
            return try await WriteEndpoint(registry: registry).create(request)
        case .update: return try await WriteEndpoint(registry: registry).update(request)
        case .patch: return try await PatchEndpoint(registry: registry).patch(request)
        case .delete: return try await DeleteEndpoint(registry: registry).delete(request)
        case .deletecollection:
            return try await DeleteEndpoint(registry: registry).deleteCollection(request, ListOptions(request.http))
        }
    }

    private func status(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        switch request.verb {
        case .get: try await ReadEndpoint(registry: registry).get(request)
        case .update: try await WriteEndpoint(registry: registry).update(request)
        case .patch: try await PatchEndpoint(registry: registry).patch(request)
        default: throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
        }
    }
}
