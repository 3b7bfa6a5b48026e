import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization

/// The scale subresource: the number of replicas, the same for every kind that has one.
struct ScaleEndpoint: Sendable {
    let writes: WriteEndpoint

    private var registry: ObjectRegistry { writes.registry }

    func answer(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let presentation = try request.presentation(registry.time, table: .scale)
        switch request.verb {
        case .get:
            let object = try registry.current(request.resource, namespace: request.path.namespace, name: request.name)
            return .json(200, presentation.item(Self.scale(of: object.tree)))
        case .update:
            let body = try RequestBody.object(request.http)
            try WriteEndpoint.check(body.storage, isNamedBy: request)
            return try await write(request, presentation, found: body.findings) { _ in body.storage }
        case .patch where ApplyEndpoint.isApply(request.http): return try await apply(request, presentation)
        case .patch:
            let patch = try ObjectPatch(request.http)
            return try await write(request, presentation, found: patch.findings) { (scale: JSONObject) throws(Status) in
                try patch.apply(to: scale, Scale.schema)
            }
        default: throw .methodNotAllowed(request.resource.name, request.verb.rawValue)
        }
    }

    /// The number is owned in the object that is scaled, through this subresource.
    private func apply(_ request: ResourceRequest, _ presentation: Presentation) async throws(Status) -> HTTPResponse {
        let options = try ApplyEndpoint.options(request.http)
        let (scale, warnings) = try ApplyEndpoint.configuration(
            request, of: Scale.kind, Scale.schema, options.fieldValidation)
        try Scale.kind.check(scale, Scale.schema)
        var metadata: JSONObject = ["name": .string(request.name)]
        for field in ["namespace", "resourceVersion", "uid"] { metadata[field] = scale[metadata: field] }
        var config: JSONObject = [
            "apiVersion": .string(request.resource.kind.apiVersion), "kind": .string(request.resource.kind.kind),
            "metadata": .object(metadata),
        ]
        if let replicas = scale["spec"]?["replicas"] { config["spec"] = ["replicas": replicas] }
        let scaled = try await ApplyEndpoint(writes: writes).apply(config, request, options)
        return .json(200, presentation.item(Self.scale(of: scaled.tree)), warnings: warnings)
    }

    private func write(
        _ request: ResourceRequest, _ presentation: Presentation, found: [String],
        _ change: @escaping @Sendable (JSONObject) throws(Status) -> JSONObject
    ) async throws(Status) -> HTTPResponse {
        let options = try WriteOptions(request.http)
        // The last attempt's; earlier ones saw another state.
        let warnings = Mutex<[String]>([])
        let update = UpdateRequest(
            resource: request.resource, namespace: request.path.namespace, name: request.name, subresource: "scale",
            options: options, identity: request.identity
        ) { (object: JSONObject) throws(Status) in
            var told: [String] = []
            let scale = try RequestBody.checked(
                change(Self.scale(of: object)), found: found, of: Scale.kind, Scale.schema, options.fieldValidation,
                warnings: &told)
            warnings.withLock { $0 = told }
            let errors = Scale.schema.check(.object(scale))
            guard errors.isEmpty else {
                throw .invalid(group: "autoscaling", kind: "Scale", name: object.name, errors)
            }
            var scaled = object
            scaled["spec", "replicas"] = scale["spec"]?["replicas"] ?? 0
            for field in ["resourceVersion", "uid"] { scaled[metadata: field] = scale[metadata: field] }
            return scaled
        }
        let scaled = try await registry.update(update).tree
        return .json(200, presentation.item(Self.scale(of: scaled)), warnings: warnings.withLock { $0 })
    }

    static func scale(of object: JSONObject) -> JSONObject {
        var metadata = JSONObject()
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object[metadata: field]
        }
        var status: JSONObject = ["replicas": object["status"]?["replicas"] ?? 0]
        if let selector = object["spec"]?["selector"].flatMap(LabelSelector.init(json:)),
            let expression = try? LabelExpression(selector)
        {
            status["selector"] = .string(expression.description)
        }
        return [
            "apiVersion": .string(Scale.kind.apiVersion), "kind": .string(Scale.kind.kind),
            "metadata": .object(metadata), "spec": ["replicas": object["spec"]?["replicas"] ?? 0],
            "status": .object(status),
        ]
    }
}
