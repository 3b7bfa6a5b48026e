import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// DELETE of one object, and of all that a selector names.
struct DeleteEndpoint: Sendable {
    let registry: ObjectRegistry

    /// Kinds whose deletion answers with the object even when it is gone.
    private static let answersWithObject: Set<String> = ["pods", "services", "serviceaccounts"]

    func delete(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let resource = request.resource
        let presentation = try request.presentation(registry.time)
        let outcome = try await registry.delete(
            resource, namespace: request.path.namespace, name: request.name, DeleteRequest(request.http),
            identity: request.identity)
        if case .removed(let object) = outcome, !Self.answersWithObject.contains(resource.kind.plural) {
            let uid = object.tree[metadata: "uid"]?.string ?? ""
            let status = Status.success {
                $0.name = request.name
                if !resource.kind.group.isEmpty { $0.group = resource.kind.group }
                $0.kind = resource.kind.plural
                $0.uid = uid
            }
            return .json(200, status.storage)
        }
        return .json(200, presentation.item(outcome.object))
    }

    /// Deletes what is there now, `width` at a time. An object that someone else deletes meanwhile is no failure.
    func deleteCollection(_ request: ResourceRequest, _ options: ListOptions) async throws(Status) -> HTTPResponse {
        let resource = request.resource
        let presentation = try request.presentation(registry.time)
        let deletion = try DeleteRequest(request.http)
        let selection = try Selection(options, request)
        let applied = registry.feed.applied.current
        let (all, revision) = resource.cache.snapshot(namespace: selection.namespace, applied: applied)
        let objects = all.filter(selection.matches)
        let outcomes = await withTaskGroup(of: Result<CachedObject?, Status>.self) { group in
            var results: [Result<CachedObject?, Status>] = []
            for (index, object) in objects.enumerated() {
                if index >= Self.width, let result = await group.next() { results.append(result) }
                group.addTask { await deleteOne(object, resource, deletion, request.identity) }
            }
            for await result in group { results.append(result) }
            return results
        }
        var deleted: [CachedObject] = []
        for outcome in outcomes {
            if let object = try outcome.get() { deleted.append(object) }
        }
        let parts = presentation.list(
            deleted, format: resource.format, metadata: ["resourceVersion": .string(String(revision))])
        return HTTPResponse(200, headers: ["Content-Type": "application/json"], body: .parts(parts))
    }

    private static let width = 16

    private func deleteOne(
        _ object: CachedObject, _ resource: Resource, _ deletion: DeleteRequest, _ identity: Identity
    ) async -> Result<CachedObject?, Status> {
        let key = ObjectKey(object.key)
        do throws(Status) {
            let outcome = try await registry.delete(
                resource, namespace: key.namespace.isEmpty ? nil : String(key.namespace), name: String(key.name),
                deletion, identity: identity)
            return .success(outcome.object)
        } catch {
            return error.isReason(.notFound) ? .success(nil) : .failure(error)
        }
    }
}
