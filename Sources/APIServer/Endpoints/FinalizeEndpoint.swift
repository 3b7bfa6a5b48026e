import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// PUT namespaces/finalize: who cleaned a namespace up takes itself out of spec.finalizers. The last one lets the namespace go.
struct FinalizeEndpoint: Sendable {
    let registry: ObjectRegistry

    func update(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let options = try WriteOptions(request.http)
        let decoded = try request.resource.decode(RequestBody.object(request.http), options.fieldValidation)
        let body = decoded.object
        try WriteEndpoint.check(body, isNamedBy: request)
        let presentation = try request.presentation(registry.time)
        let update = UpdateRequest(
            resource: request.resource, namespace: nil, name: request.name, subresource: "finalize",
            options: options, identity: request.identity
        ) { current in
            var next = current
            next["spec", "finalizers"] = body["spec"]?["finalizers"]
            for field in ["resourceVersion", "uid"] { next[metadata: field] = body[metadata: field] }
            return next
        }
        return .json(200, presentation.item(try await registry.update(update)), warnings: decoded.warnings)
    }
}
