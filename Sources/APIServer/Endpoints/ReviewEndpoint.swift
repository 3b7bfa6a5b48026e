import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI

/// Questions who someone is and what one may do, which store nothing: `kubectl auth whoami` and `can-i`, and what servers beside this one ask about
/// their callers.
struct ReviewEndpoint: Sendable {
    let authenticator: Authenticator
    let authorizer: Authorizer

    /// nil where the path is no such question.
    func answer(
        _ request: HTTPRequest, _ path: ResourcePath, _ verb: Verb, _ identity: Identity
    ) throws(Status) -> HTTPResponse? {
        guard let (kind, schema) = Kinds.reviews.first(where: { path.isCollection(of: $0.kind) }) else { return nil }
        guard verb == .create else { throw .methodNotAllowed(ResourceName(kind), verb.rawValue) }
        guard AcceptedType.all(request.headers).contains(where: { $0.isJSON && $0.parameters["as"] == nil }) else {
            throw .notAcceptable("only the following media types are accepted: application/json")
        }
        var warnings: [String] = []
        var review = try RequestBody.object(
            request, of: kind, schema, WriteOptions(request).fieldValidation, warnings: &warnings)
        review["apiVersion"] = .string(kind.apiVersion)
        review["kind"] = .string(kind.kind)
        review["status"] = try status(of: review, kind, path, identity)
        if review["metadata"] == nil { review["metadata"] = ["creationTimestamp": .null] }
        return .json(201, review.encoded(), warnings: warnings)
    }

    private func status(
        of review: JSONObject, _ kind: ResourceKind, _ path: ResourcePath, _ identity: Identity
    ) throws(Status) -> JSONValue {
        let spec = review["spec"]
        switch kind {
        case SelfSubjectReview.kind: return ["userInfo": Self.userInfo(identity)]
        case TokenReview.kind: return try tokenStatus(TokenReviewSpec(storage: spec?.object ?? JSONObject()))
        case SelfSubjectRulesReview.kind:
            let namespace = spec?["namespace"]?.string ?? ""
            guard !namespace.isEmpty else { throw .badRequest("spec.namespace: no namespace on request") }
            return authorizer.rules(identity, namespace: namespace).json
        default:
            try AccessReviewFaults.check(review, kind, namespace: path.namespace)
            let asked = kind == SelfSubjectAccessReview.kind ? identity : Self.subject(spec)
            return accessStatus(spec, asked)
        }
    }

    // MARK: Tokens

    private func tokenStatus(_ spec: TokenReviewSpec) throws(Status) -> JSONValue {
        guard !spec.token.isEmpty else { throw .badRequest("token is required for TokenReview in authentication") }
        let audiences = spec.audiences.isEmpty ? authenticator.audiences : spec.audiences
        guard let claims = authenticator.claims(of: spec.token, audiences: audiences) else {
            return ["user": [:], "error": "invalid bearer token"]
        }
        return [
            "authenticated": true, "user": Self.userInfo(Identity(claims)),
            "audiences": audiences.filter(claims.audiences.contains).json,
        ]
    }

    // MARK: Access

    private static func subject(_ spec: JSONValue?) -> Identity {
        let spec = SubjectAccessReviewSpec(storage: spec?.object ?? JSONObject())
        return Identity(user: spec.user, uid: spec.uid, groups: spec.groups, extra: spec.extra)
    }

    private func accessStatus(_ spec: JSONValue?, _ identity: Identity) -> JSONValue {
        let decision =
            attributes(spec).map { authorizer.decide(identity, $0) } ?? (identity.isMaster ? .allowed : .denied(nil))
        return switch decision {
        case .allowed: ["allowed": true]
        case .missing(let resource, let name):
            ["allowed": false, "reason": .string(Status.notFound(resource, name).message)]
        case .denied(let why): ["allowed": false, "reason": .string(why ?? "no rule allows it")]
        }
    }

    /// nil where verb or resource are none that there is, or "*", all of them: masters alone may do that.
    private func attributes(_ spec: JSONValue?) -> RequestAttributes? {
        if let path = spec?["nonResourceAttributes"], !path.isNull {
            let verb = path["verb"]?.string == "get" ? Verb.get : .update
            return RequestAttributes(verb, .path(path["path"]?.string ?? ""))
        }
        guard let asked = spec?["resourceAttributes"], !asked.isNull else { return nil }
        let text: (String) -> String? = { asked[$0]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        guard let name = text("resource"), !name.contains("/"),
            !["group", "version", "resource", "subresource"].contains(where: { text($0) == "*" })
        else { return nil }
        let path = ResourcePath(
            group: text("group") ?? "", version: text("version") ?? "v1", resource: name,
            namespace: text("namespace"), name: text("name"), subresource: text("subresource"))
        let selector = Self.fieldSelector(asked["fieldSelector"])
        return Verb(rawValue: text("verb") ?? "").map { RequestAttributes($0, resource: path, fieldSelector: selector) }
    }

    /// As a query has it, from either form. Requirements of other kinds narrow a request further, and are left out.
    private static func fieldSelector(_ value: JSONValue?) -> String {
        if let raw = value?["rawSelector"]?.string, !raw.isEmpty { return raw }
        let requirements = (value?["requirements"]?.array ?? []).compactMap { item -> FieldSelector.Requirement? in
            guard item["operator"] == "In", let key = item["key"]?.string, let values = item["values"]?.array,
                values.count == 1, let only = values.first?.string
            else { return nil }
            return .init(key, only)
        }
        return FieldSelector(requirements: requirements).description
    }

    // MARK: Forms

    private static func userInfo(_ identity: Identity) -> JSONValue {
        var info: JSONObject = [
            "username": .string(identity.user), "groups": .array(identity.groups.map { .string($0) }),
        ]
        if !identity.uid.isEmpty { info["uid"] = .string(identity.uid) }
        if !identity.extra.isEmpty { info["extra"] = identity.extra.mapValues { $0.json }.json }
        return .object(info)
    }
}

/// What the access reviews must be like. As upstream says it.
private enum AccessReviewFaults {
    static func check(_ review: JSONObject, _ kind: ResourceKind, namespace: String?) throws(Status) {
        let spec = review["spec"]
        let given: (String) -> JSONValue? = { name in spec?[name].flatMap { $0.isNull ? nil : $0 } }
        let (resource, path) = (given("resourceAttributes"), given("nonResourceAttributes"))
        var faults: [FieldError] = []
        if let path, resource != nil {
            faults.append(
                .invalid(
                    "spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes"))
        }
        if resource == nil, path == nil {
            faults.append(
                .invalid(
                    "spec.resourceAttributes", .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        }
        if kind != SelfSubjectAccessReview.kind { faults += subjectFaults(spec) }
        faults += metadataFaults(review["metadata"], isLocal: namespace != nil)
        if let namespace { faults += try localFaults(review, resource, path, namespace) }
        guard faults.isEmpty else { throw .invalid(group: kind.group, kind: kind.kind, name: "", faults) }
    }

    private static func subjectFaults(_ spec: JSONValue?) -> [FieldError] {
        guard spec?["user"]?.string ?? "" == "", spec?["groups"]?.array?.isEmpty ?? true else { return [] }
        return [.invalid("spec.user", "", "at least one of user or group must be specified")]
    }

    private static func metadataFaults(_ metadata: JSONValue?, isLocal: Bool) -> [FieldError] {
        let passedOver = ["managedFields"] + (isLocal ? ["namespace"] : [])
        let given = (metadata?.object?.members ?? []).contains { member in
            let isEmpty = member.value.object?.isEmpty ?? member.value.array?.isEmpty ?? (member.value == "")
            return !passedOver.contains(member.key) && !member.value.isNull && !isEmpty
        }
        guard given, let metadata else { return [] }
        return [.invalid("metadata", metadata, isLocal ? "must be empty except for namespace" : "must be empty")]
    }

    private static func localFaults(
        _ review: JSONObject, _ resource: JSONValue?, _ path: JSONValue?, _ namespace: String
    ) throws(Status) -> [FieldError] {
        try WriteEndpoint.check(review[metadata: "namespace"]?.string ?? "", namespace)
        var faults: [FieldError] = []
        let asked = resource?["namespace"]?.string ?? ""
        if resource != nil, asked != namespace {
            faults.append(
                .invalid("spec.resourceAttributes.namespace", .string(asked), "must match metadata.namespace"))
        }
        if let path {
            faults.append(.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request"))
        }
        return faults
    }
}

extension ResourcePath {
    fileprivate func isCollection(of kind: ResourceKind) -> Bool {
        group == kind.group && version == kind.version && resource == kind.plural && name == nil
            && kind.isNamespaced == (namespace != nil)
    }
}
