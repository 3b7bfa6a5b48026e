import APIMachinery
import HTTP

/// Finds the endpoint for a request by its verb and subresource.
struct Endpoints: Sendable {
    let registry: ObjectRegistry
    let reviews: ReviewEndpoint
    let pods: PodEndpoint
    let tokens: TokenEndpoint
    let writes: WriteEndpoint

    func answer(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let kind = request.resource.kind
        switch request.path.subresource {
        case nil: return try await object(request)
        case "status" where kind.subresources.contains(.status): return try await status(request)
        case "ephemeralcontainers" where kind.group.isEmpty && kind.plural == "pods":
            return try await status(request)
        case "scale" where kind.subresources.contains(.scale):
            return try await ScaleEndpoint(writes: writes).answer(request)
        case let subresource? where kind.group.isEmpty:
            if let answer = try await core(request, kind.plural, subresource) { return answer }
            throw .resourceNotFound()
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
            return try await writes.create(request)
        case .update: return try await writes.update(request)
        case .patch: return try await PatchEndpoint(writes: writes).patch(request)
        case .delete: return try await DeleteEndpoint(registry: registry).delete(request)
        case .deletecollection:
            guard request.resource.kind.allowsCollectionDeletion else {
                throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
            }
            return try await DeleteEndpoint(registry: registry).deleteCollection(request, ListOptions(request.http))
        }
    }

    /// Reads and writes of one part of an object, by the path of its subresource.
    private func status(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        switch request.verb {
        case .get: try await ReadEndpoint(registry: registry).get(request)
        case .update: try await writes.update(request)
        case .patch: try await PatchEndpoint(writes: writes).patch(request)
        default: throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
        }
    }

    /// Subresources that single kinds of the core group have. nil where there is none of that name.
    private func core(
        _ request: ResourceRequest, _ plural: String, _ subresource: String
    ) async throws(Status) -> HTTPResponse? {
        switch (plural, subresource) {
        case ("pods", _): return try await pods.answer(request, subresource)
        case ("nodes", "proxy"):
            return try await NodeRelay(nodes: pods.nodes).proxy(request)
        case ("serviceaccounts", "token"):
            guard request.verb == .create else {
                throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
            }
            return try await tokens.create(request)
        case ("namespaces", "finalize"):
            guard request.verb == .update else {
                throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
            }
            return try await FinalizeEndpoint(registry: registry).update(request)
        default: return nil
        }
    }
}
