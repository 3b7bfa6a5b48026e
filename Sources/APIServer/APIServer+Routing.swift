import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

extension APIServer {
    /// The answer to a request that the transport refuses, in the form that clients read.
    package static func refusal(_ code: Int, _ text: String) -> HTTPResponse {
        switch code {
        case 413: HTTPResponse(.requestEntityTooLarge(text))
        case 503: HTTPResponse(.serviceUnavailable(text))
        default: HTTPResponse(Status(.badRequest, code: Int32(clamping: code), text))
        }
    }

    /// Authentication, then authorization, then the endpoint.
    func answer(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        guard request.body.count <= configuration.limits.bodyBytes else {
            throw .requestEntityTooLarge("the body is over the limit of \(configuration.limits.bodyBytes) bytes")
        }
        let identity = try authenticator.identity(of: request).impersonating(request)
        guard let path = ResourcePath(path: request.path) else { return try await answer(request, identity) }
        let isWatch = request.flag("watch") ?? false
        guard let verb = path.verb(request.method, isWatch: isWatch) else {
            throw .methodNotAllowed(
                ResourceName(group: path.group, path.resource), request.method.rawValue.lowercased())
        }
        let attributes = RequestAttributes(verb, resource: path, fieldSelector: request.query("fieldSelector") ?? "")
        try authorize(identity, attributes)
        if let answer = try endpoints.reviews.answer(request, path, verb, identity) { return answer }
        if path.isBinding, verb == .create, let pods = registry.resources[Pod.kind] {
            let binding = Binding(storage: try RequestBody.object(request).storage)
            let target = ResourceRequest(http: request, path: path, verb: verb, identity: identity, resource: pods)
            return try await endpoints.pods.bind(target, podName: binding.metadata.name)
        }
        // There are none. kubectl looks through them before it says that a kind is not served.
        if path.isDefinitions, verb == .list { return .json(200, Self.noDefinitions) }
        let form = ServedForm.of(path)
        guard let resource = form.map({ registry.resources[$0.stored] }) ?? registry.resources[path],
            path.namespace == nil || resource.kind.isNamespaced
        else { throw .resourceNotFound() }
        return try await answer(
            ResourceRequest(http: request, path: path, verb: verb, identity: identity, resource: resource, form: form))
    }

    private static let noDefinitions: JSONObject = [
        "kind": "CustomResourceDefinitionList", "apiVersion": "apiextensions.k8s.io/v1", "metadata": [:], "items": [],
    ]

    private func answer(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        let kind = InFlightLimit.Class(isRead: request.verb.isRead, isComponent: request.identity.isComponent)
        try limit.enter(kind)
        defer { limit.leave(kind) }
        return try await endpoints.answer(request)
    }

    /// A path that names no resource.
    private func answer(_ request: HTTPRequest, _ identity: Identity) async throws(Status) -> HTTPResponse {
        try authorize(
            identity,
            RequestAttributes(request.method == .get || request.method == .head ? .get : .update, .path(request.path)))
        guard request.method == .get || request.method == .head else {
            throw Status(.methodNotAllowed, code: 405, "the path \(request.path) can only be read")
        }
        return try paths.answer(request, identity)
    }

    private func authorize(_ identity: Identity, _ attributes: RequestAttributes) throws(Status) {
        let why: String
        switch authorizer.decide(identity, attributes) {
        case .allowed: return
        case .missing(let resource, let name): throw .notFound(resource, name)
        case .denied(let reason): why = reason.map { ": \($0)" } ?? ""
        }
        switch attributes.subject {
        case .path(let path):
            throw .forbidden(
                ResourceName(""), "", "User \"\(identity.user)\" cannot \(attributes.verb.rawValue) path \"\(path)\"")
        case .resource(let path):
            let resource = path.subresource.map { "\(path.resource)/\($0)" } ?? path.resource
            let scope = path.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
            throw .forbidden(
                ResourceName(group: path.group, path.resource), path.name ?? "",
                "User \"\(identity.user)\" cannot \(attributes.verb.rawValue) resource \"\(resource)\" in API group \"\(path.group)\" \(scope)\(why)"
            )
        }
    }
}

extension ResourcePath {
    /// The older way to bind a pod: POST to `bindings`, which names it.
    fileprivate var isBinding: Bool {
        group.isEmpty && version == "v1" && resource == "bindings" && namespace != nil && name == nil
    }

    fileprivate var isDefinitions: Bool {
        group == "apiextensions.k8s.io" && version == "v1" && resource == "customresourcedefinitions" && name == nil
    }
}
