import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import Synchronization

/// PATCH of objects and of their status.
struct PatchEndpoint: Sendable {
    let writes: WriteEndpoint

    private var registry: ObjectRegistry { writes.registry }

    func patch(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        if ApplyEndpoint.isApply(request.http) { return try await ApplyEndpoint(writes: writes).apply(request) }
        let resource = request.resource
        let options = try WriteOptions(request.http)
        let presentation = try request.presentation(registry.time)
        let patch = try ObjectPatch(request.http)
        // The last attempt's; earlier ones saw another state.
        let warnings = Mutex<[String]>([])
        let update = UpdateRequest(
            resource: resource, namespace: request.path.namespace, name: request.name,
            subresource: request.path.subresource, options: options, identity: request.identity
        ) { (current: JSONObject) throws(Status) in
            let form = request.form
            var next = try patch.apply(
                to: form?.served(current) ?? current, (form?.definition ?? resource.definition).schema)
            try Self.checkName(next, current)
            let found = try resource.normalize(&next, found: patch.findings, options.fieldValidation, in: form)
            try form?.check(next, old: current)
            warnings.withLock { $0 = found }
            return next
        }
        let object = try await registry.update(update)
        return .json(200, presentation.item(object), warnings: warnings.withLock { $0 })
    }

    private static func checkName(_ next: JSONObject, _ current: JSONObject) throws(Status) {
        guard next.name == current.name else {
            throw .badRequest(
                "the name of the object (\(next.name)) does not match the name on the URL (\(current.name))")
        }
        let namespaces = (next[metadata: "namespace"], current[metadata: "namespace"])
        guard namespaces.0 == nil || namespaces.0 == namespaces.1 else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
    }
}

/// A patch of one of the kinds that clients send.
struct ObjectPatch: Sendable {
    private enum Form: Sendable {
        case json(JSONPatch)
        case merge(JSONValue)
        case strategicMerge(JSONValue)
    }

    private let form: Form
    /// What field validation is to refuse or to warn of: fields that stood twice in one object, unknown members of a JSON patch.
    let findings: [String]

    init(_ request: HTTPRequest) throws(Status) {
        let type = RequestBody.mediaType(request)
        var duplicates: [DuplicateKey] = []
        var unknown: [String] = []
        switch type {
        case "application/json-patch+json":
            do throws(PatchError) {
                let body = try Self.body(request, &duplicates)
                form = .json(try JSONPatch(body))
                unknown = JSONPatch.schema.unknownFields(in: body)
            } catch {
                throw error.status
            }
        case "application/merge-patch+json": form = .merge(try Self.object(request, &duplicates))
        case "application/strategic-merge-patch+json": form = .strategicMerge(try Self.object(request, &duplicates))
        default:
            throw .unsupportedMediaType(
                "the body of the request was in an unknown format (\(type)); accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"
            )
        }
        let found = unknown.map { "unknown field \"\($0)\"" } + duplicates.map(\.finding)
        if case .json = form { findings = found.map { "json patch \($0)" } } else { findings = found }
    }

    private static func body(_ request: HTTPRequest, _ duplicates: inout [DuplicateKey]) throws(PatchError) -> JSONValue
    {
        do throws(JSONError) {
            return try JSONValue(parsing: request.body, duplicates: &duplicates)
        } catch {
            throw PatchError(.malformed, error.description)
        }
    }

    private static func object(_ request: HTTPRequest, _ duplicates: inout [DuplicateKey]) throws(Status) -> JSONValue {
        let value = try RequestBody.json(request.body, &duplicates)
        guard case .object = value else { throw .badRequest("the patch is not an object") }
        return value
    }

    func apply(to object: JSONObject, _ schema: Schema) throws(Status) -> JSONObject {
        let result: JSONValue
        do throws(PatchError) {
            switch form {
            case .json(let patch): result = try patch.apply(to: .object(object))
            case .merge(let patch): result = MergePatch.apply(patch, to: .object(object))
            case .strategicMerge(let patch):
                result = try StrategicMergePatch.apply(patch, to: .object(object), schema: schema)
            }
        } catch {
            throw error.status
        }
        guard case .object(let patched) = result else { throw .badRequest("the patch leaves no object") }
        return patched
    }
}
