import APIMachinery

/// Says who may do what, by the rules that hold until there are RBAC objects. Deny by default. In full:
///
/// - `system:masters` may do everything.
/// - Anyone may ask whether the server lives and which version it is.
/// - Whoever is authenticated may read discovery and OpenAPI, and ask who it is and what it may do.
/// - A node's agent reads what it needs to run pods and writes its own node, lease, events and pods (`NodeRules`). `NodeReads` narrows the reads down
///   to what is of its node, `NodeRestriction` the writes.
/// - The control plane's components have the rules in `ComponentRules`.
/// - A service account reads how tokens are checked, and its own namespace, secrets excepted, and writes nothing.
struct Authorizer: Sendable {
    let nodeReads: NodeReads
    /// What there is, for those who ask what they may do.
    let served: [ServedResource]

    enum Decision: Sendable, Hashable {
        case allowed
        /// It is as if there were no such object.
        case missing(ResourceName, name: String)
        /// With a reason where there is more to say than that no rule allows it.
        case denied(String?)
    }

    func decide(_ identity: Identity, _ request: RequestAttributes) -> Decision {
        guard allows(identity, request) else { return .denied(nil) }
        guard !identity.isMaster, let node = identity.nodeName, case .resource(let path) = request.subject else {
            return .allowed
        }
        if request.verb.isRead {
            return nodeReads.refusal(node, request.verb, path, request.fields).map { .denied($0) } ?? .allowed
        }
        let missing = nodeReads.missingPod(node, request.verb, path)
        return missing.map { .missing(ResourceName(group: path.group, path.resource), name: $0) } ?? .allowed
    }

    func allows(_ identity: Identity, _ request: RequestAttributes) -> Bool {
        if identity.isMaster { return true }
        switch request.subject {
        case .path(let path): return allows(identity, path: path, request.verb)
        case .resource(let resource):
            if SelfReviews.contains(resource) { return identity.isAuthenticated && request.verb == .create }
            if identity.nodeName != nil { return NodeRules.allow(request.verb, resource) }
            if let rules = ComponentRules.rules[identity.user] {
                return rules.contains { $0.allows(request.verb, resource) }
            }
            if let account = identity.serviceAccount { return Self.allows(account.namespace, request.verb, resource) }
            return false
        }
    }

    private func allows(_ identity: Identity, path: String, _ verb: Verb) -> Bool {
        guard verb == .get else { return false }
        if Self.openPaths.contains(where: { path == $0 || path.hasPrefix($0 + "/") }) { return true }
        if identity.groups.contains("system:serviceaccounts"), Self.tokenPaths.contains(path) { return true }
        guard identity.isAuthenticated else { return false }
        return Self.describingPaths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    /// Open to all, with what is beneath them.
    static let openPaths = ["/livez", "/readyz", "/healthz", "/version"]
    /// Open to whoever is authenticated, with what is beneath them.
    static let describingPaths = ["/api", "/apis", "/openapi"]

    /// Where is told how service accounts' tokens are checked.
    static let tokenPaths = ["/.well-known/openid-configuration", "/openid/v1/jwks"].flatMap { [$0, $0 + "/"] }

    /// What a service account may do: read its own namespace.
    private static func allows(_ namespace: String, _ verb: Verb, _ resource: ResourcePath) -> Bool {
        guard verb.isRead, resource.namespace == namespace else { return false }
        let isStreaming = ["exec", "attach", "portforward", "proxy"].contains(resource.subresource)
        return resource.resource != "secrets" && !isStreaming
    }
}

/// What a caller asks about itself.
enum SelfReviews {
    static func contains(_ resource: ResourcePath) -> Bool {
        (resource.group == "authorization.k8s.io"
            && ["selfsubjectaccessreviews", "selfsubjectrulesreviews"].contains(resource.resource))
            || (resource.group == "authentication.k8s.io" && resource.resource == "selfsubjectreviews")
    }
}
