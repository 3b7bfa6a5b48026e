import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// PATCH with an apply configuration: server-side apply, which creates what is missing.
struct ApplyEndpoint: Sendable {
    let writes: WriteEndpoint

    static func isApply(_ request: HTTPRequest) -> Bool {
        ["application/apply-patch+yaml", "application/apply-patch+json"].contains(RequestBody.mediaType(request))
    }

    /// Throws 415 for another form than the stored one: who manages which field is kept by the stored names.
    func apply(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        if let form = request.form {
            throw .unsupportedMediaType(
                "\(form.kind.plural).\(form.kind.group) cannot be applied; apply \(form.stored.apiVersion) instead")
        }
        let options = try Self.options(request.http)
        let presentation = try request.presentation(writes.registry.time)
        let (config, warnings) = try configuration(request, options)
        let key = request.resource.key(namespace: request.path.namespace, name: request.name)
        if request.resource.cache[key] == nil, request.path.subresource == nil {
            do throws(Status) {
                let created = try await create(config, request, options)
                return .json(201, presentation.item(created), warnings: warnings)
            } catch  where !error.isReason(.alreadyExists) {
                throw error
            } catch {
                // Someone else was faster: apply to what is there.
            }
        }
        let object = try await apply(config, request, options)
        return .json(200, presentation.item(object), warnings: warnings)
    }

    /// Applies a configuration of the request's resource to the object that is there, through the path's subresource.
    func apply(
        _ config: JSONObject, _ request: ResourceRequest, _ options: WriteOptions
    ) async throws(Status) -> CachedObject {
        try await writes.registry.update(update(config, request, options))
    }

    static func options(_ request: HTTPRequest) throws(Status) -> WriteOptions {
        var options = try WriteOptions(request)
        options.isApply = true
        guard options.namesFieldManager else {
            throw .invalid(
                group: "meta.k8s.io", kind: "PatchOptions", name: "",
                [.required("fieldManager", "is required for apply patch")])
        }
        return options
    }

    private func create(
        _ config: JSONObject, _ request: ResourceRequest, _ options: WriteOptions
    ) async throws(Status) -> CachedObject {
        var object = try applier(request, options).apply(config, to: nil, force: options.isForced)
        _ = try request.resource.normalize(&object, .ignore)
        request.resource.applyDefaults(&object)
        return try await writes.create(object, request, options)
    }

    private func update(_ config: JSONObject, _ request: ResourceRequest, _ options: WriteOptions) -> UpdateRequest {
        let applier = applier(request, options)
        var update = UpdateRequest(
            resource: request.resource, namespace: request.path.namespace, name: request.name,
            subresource: request.path.subresource, options: options, identity: request.identity
        ) { (current: JSONObject) throws(Status) in
            let live = ClientSideOwnership.restored(current, request.resource, now: applier.now)
            // What is applied through a subresource is no manifest of the object.
            let isWhole = request.path.subresource == nil
            let ceded = isWhole ? ClientSideOwnership.ceded(by: live, request.resource, to: applier) : .empty
            var next = try applier.apply(config, to: live, force: options.isForced, ceded: ceded)
            if isWhole { ClientSideOwnership.renew(&next, config, applier) }
            _ = try request.resource.normalize(&next, .ignore)
            return next
        }
        update.tracksFields = true
        return update
    }

    private func applier(_ request: ResourceRequest, _ options: WriteOptions) -> ServerSideApply {
        let manager = ManagedFields.Manager(
            options.fieldManager, .apply, apiVersion: request.resource.kind.apiVersion,
            subresource: request.path.subresource ?? "")
        return ServerSideApply(request.resource.definition.schema, manager, now: writes.registry.time.now())
    }

    /// The configuration, checked against the path that it came to.
    private func configuration(
        _ request: ResourceRequest, _ options: WriteOptions
    ) throws(Status) -> (JSONObject, warnings: [String]) {
        let kind = request.resource.kind
        let (read, warnings) = try Self.configuration(
            request, of: kind, request.resource.definition.schema, options.fieldValidation)
        var config = read
        // A Secret's text is owned as what it becomes: as itself it is never there to be shared. What is no text is left for the check.
        if kind == Secret.kind, config["stringData"]?.object?.members.allSatisfy({ $0.value.string != nil }) == true {
            request.resource.definition.complete(&config)
        }
        return (config, warnings)
    }

    /// As above, of any kind that is applied to the path.
    static func configuration(
        _ request: ResourceRequest, of kind: ResourceKind, _ schema: Schema, _ validation: FieldValidation
    ) throws(Status) -> (JSONObject, warnings: [String]) {
        var duplicates: [DuplicateKey] = []
        guard case .object(var config) = try RequestBody.yaml(request.http.body, &duplicates) else {
            throw .badRequest("an apply configuration is an object")
        }
        guard config["apiVersion"]?.string == kind.apiVersion, config["kind"]?.string == kind.kind else {
            throw .badRequest("an apply configuration must name apiVersion \(kind.apiVersion) and kind \(kind.kind)")
        }
        guard config.name.isEmpty || config.name == request.name else {
            throw .badRequest(
                "the name of the object (\(config.name)) does not match the name on the URL (\(request.name))")
        }
        config[metadata: "name"] = .string(request.name)
        if let namespace = request.path.namespace {
            try WriteEndpoint.check(config[metadata: "namespace"]?.string ?? "", namespace)
            config[metadata: "namespace"] = .string(namespace)
        }
        return (config, try validation.check(config, found: duplicates.map(\.finding), kind, schema))
    }
}
