import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// POST and PUT of objects, and PUT of their status.
struct WriteEndpoint: Sendable {
    let registry: ObjectRegistry
    let timeline: any TimelineSink
    let seeds: NamespaceSeeds

    func create(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let resource = request.resource
        let options = try WriteOptions(request.http)
        let presentation = try request.presentation(registry.time)
        let decoded = try resource.decode(RequestBody.object(request.http), options.fieldValidation, in: request.form)
        try request.form?.check(decoded.object, old: nil)
        let object = try await create(decoded.object, request, options)
        return .json(201, presentation.item(object), warnings: decoded.warnings)
    }

    /// Creates an object that has passed the check of its types, and what goes with it.
    func create(
        _ object: JSONObject, _ request: ResourceRequest, _ options: WriteOptions
    ) async throws(Status) -> CachedObject {
        let resource = request.resource
        let received = registry.time.now()
        let namespace = try Self.namespace(of: object, request)
        let created = try await registry.create(
            object, resource, namespace: namespace, options: options, identity: request.identity)
        guard !options.isDryRun, resource.kind.group.isEmpty else { return created }
        if resource.kind.plural == "namespaces" { await seeds.plant(in: String(ObjectKey(created.key).name)) }
        if resource.kind.plural == "pods" { record(created, received: received) }
        return created
    }

    private func record(_ pod: CachedObject, received: Timestamp) {
        guard !(timeline is NoTimeline) else { return }
        let tree = pod.tree
        for (step, moment) in [(TimelineMoment.Step.received, received), (.created, registry.time.now())] {
            timeline.record(
                TimelineMoment(
                    step: step, podUID: tree[metadata: "uid"]?.string ?? "",
                    namespace: tree[metadata: "namespace"]?.string ?? "", name: tree.name, at: moment))
        }
    }

    /// The namespace of a new object: the path's, which its metadata may repeat. One that is given for an object of the whole cluster is dropped.
    private static func namespace(of object: JSONObject, _ request: ResourceRequest) throws(Status) -> String? {
        guard request.resource.kind.isNamespaced else { return nil }
        guard let namespace = request.path.namespace else {
            throw .badRequest("an empty namespace may not be set during creation")
        }
        try check(object[metadata: "namespace"]?.string ?? "", namespace)
        return namespace
    }

    static func check(_ given: String, _ namespace: String) throws(Status) {
        guard given.isEmpty || given == namespace else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    /// An object that is written names itself as the URL does.
    static func check(_ object: JSONObject, isNamedBy request: ResourceRequest) throws(Status) {
        let given = object.name
        guard !given.isEmpty else {
            throw .badRequest(
                "the name of the object (\(request.name) based on URL) was undeterminable: name must be provided")
        }
        guard given == request.name else {
            throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(request.name))")
        }
        if let namespace = request.path.namespace {
            try check(object[metadata: "namespace"]?.string ?? "", namespace)
        }
    }

    func update(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let resource = request.resource
        let options = try WriteOptions(request.http)
        let presentation = try request.presentation(registry.time)
        let decoded = try resource.decode(RequestBody.object(request.http), options.fieldValidation, in: request.form)
        try Self.check(decoded.object, isNamedBy: request)
        let update = UpdateRequest(
            resource: resource, namespace: request.path.namespace, name: request.name,
            subresource: request.path.subresource, options: options, identity: request.identity
        ) { (current: JSONObject) throws(Status) in
            try request.form?.check(decoded.object, old: current)
            return decoded.object
        }
        let object = try await registry.update(update)
        return .json(200, presentation.item(object), warnings: decoded.warnings)
    }
}
