import APIMachinery
import HTTP
import JSONTree

/// `kubectl auth whoami` and `kubectl auth can-i`: questions about the caller, which store nothing.
struct ReviewEndpoint: Sendable {
    /// nil where the path is no such question.
    func answer(
        _ request: HTTPRequest, _ path: ResourcePath, _ verb: Verb, _ identity: Identity, _ authorizer: Authorizer
    ) async throws(Status) -> HTTPResponse? {
        guard SelfReviews.contains(path), path.version == "v1", path.namespace == nil, path.name == nil else {
            return nil
        }
        guard verb == .create else {
            throw .methodNotAllowed(ResourceName(group: path.group, path.resource), verb.rawValue)
        }
        var answer = try RequestBody.object(request).storage
        answer["apiVersion"] = .string("\(path.group)/\(path.version)")
        switch path.resource {
        case "selfsubjectreviews":
            answer["kind"] = "SelfSubjectReview"
            answer["status"] = ["userInfo": Self.userInfo(identity)]
        case "selfsubjectaccessreviews":
            answer["kind"] = "SelfSubjectAccessReview"
            let decision =
                try attributes(answer["spec"]).map { authorizer.decide(identity, $0) }
                ?? (identity.isMaster ? .allowed : .denied(nil))
            switch decision {
            case .allowed: answer["status"] = ["allowed": true]
            case .missing(let resource, let name):
                answer["status"] = ["allowed": false, "reason": .string(Status.notFound(resource, name).message)]
            case .denied(let why):
                answer["status"] = ["allowed": false, "reason": .string(why ?? "no rule allows it")]
            }
        case "selfsubjectrulesreviews":
            answer["kind"] = "SelfSubjectRulesReview"
            let namespace = answer["spec"]?["namespace"]?.string ?? ""
            guard !namespace.isEmpty else { throw .badRequest("spec.namespace: no namespace on request") }
            answer["status"] = Self.rulesStatus(authorizer.rules(identity, namespace: namespace))
        default: throw .resourceNotFound()
        }
        if answer["metadata"] == nil { answer["metadata"] = ["creationTimestamp": .null] }
        return .json(201, answer)
    }

    private static func rulesStatus(_ rules: [AuthorizationRule]) -> JSONValue {
        let isPath: (AuthorizationRule) -> Bool = { $0.resources.first?.hasPrefix("/") ?? false }
        let resources = rules.filter { !isPath($0) }.map { rule in
            JSONValue.object([
                "apiGroups": [.string(rule.group)], "resources": rule.resources.json, "verbs": rule.verbs.json,
            ])
        }
        let paths = rules.filter(isPath).map { rule in
            JSONValue.object(["nonResourceURLs": rule.resources.json, "verbs": rule.verbs.json])
        }
        return ["incomplete": false, "resourceRules": .array(resources), "nonResourceRules": .array(paths)]
    }

    private static func userInfo(_ identity: Identity) -> JSONValue {
        var info: JSONObject = [
            "username": .string(identity.user), "groups": .array(identity.groups.map { .string($0) }),
        ]
        if !identity.uid.isEmpty { info["uid"] = .string(identity.uid) }
        if !identity.extra.isEmpty { info["extra"] = identity.extra.mapValues { $0.json }.json }
        return .object(info)
    }

    /// As a query has it, from either form. Requirements of other kinds narrow a request further, and are left out.
    private static func fieldSelector(_ value: JSONValue?) -> String {
        if let raw = value?["rawSelector"]?.string { return raw }
        let requirements = (value?["requirements"]?.array ?? []).compactMap { item -> FieldSelector.Requirement? in
            guard item["operator"] == "In", let key = item["key"]?.string, let values = item["values"]?.array,
                values.count == 1, let only = values.first?.string
            else { return nil }
            return .init(key, only)
        }
        return FieldSelector(requirements: requirements).description
    }

    /// nil where the verb is none that this server knows (or "*", all of them): masters alone may do that.
    private func attributes(_ spec: JSONValue?) throws(Status) -> RequestAttributes? {
        if let path = spec?["nonResourceAttributes"] {
            let verb = path["verb"]?.string == "get" ? Verb.get : .update
            return RequestAttributes(verb, .path(path["path"]?.string ?? ""))
        }
        guard let asked = spec?["resourceAttributes"] else {
            throw .badRequest("spec: one of resourceAttributes and nonResourceAttributes must be given")
        }
        let text: (String) -> String? = { asked[$0]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        let path = ResourcePath(
            group: text("group") ?? "", version: text("version") ?? "v1", resource: text("resource") ?? "",
            namespace: text("namespace"), name: text("name"), subresource: text("subresource"))
        let selector = Self.fieldSelector(asked["fieldSelector"])
        return Verb(rawValue: text("verb") ?? "").map { RequestAttributes($0, resource: path, fieldSelector: selector) }
    }
}
