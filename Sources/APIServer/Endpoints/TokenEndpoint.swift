import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import PKI

/// POST serviceaccounts/token: issues a token for a service account, bound to a pod, secret or node where the request names one.
struct TokenEndpoint: Sendable {
    let registry: ObjectRegistry
    let tokens: ServiceAccountTokens?
    let audiences: [String]

    /// Seconds a token may last.
    static let lifetimes: ClosedRange<Int64> = 600...(1 << 32)
    static let defaultLifetime: Int64 = 3600

    func create(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        guard let tokens else { throw .notImplemented("this server has no key to sign service account tokens with") }
        var warnings: [String] = []
        var body = try RequestBody.object(
            request.http, of: TokenRequest.kind, TokenRequest.schema, WriteOptions(request.http).fieldValidation,
            warnings: &warnings)
        try Self.checkName(body, request)
        let spec = body["spec"]
        let namespace = request.path.namespace ?? ""
        let asked = (spec?["audiences"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        let granted = asked.isEmpty ? Array(audiences.prefix(1)) : asked
        let lifetime = try Self.lifetime(spec, request.name)
        // First, for a node learns nothing of an account that none of its pods acts as.
        let bound = try bound(spec, request, account: request.name, audiences: granted)
        let account = try registry.current(request.resource, namespace: request.path.namespace, name: request.name).tree
        let now = registry.time.now().seconds
        let claims = ServiceAccountClaims(
            namespace: namespace,
            serviceAccount: .init(name: request.name, uid: account[metadata: "uid"]?.string ?? ""), pod: bound.pod,
            secret: bound.secret, node: bound.node, audiences: granted, issuedAtSeconds: now, notBeforeSeconds: now,
            expiresAtSeconds: now + lifetime)
        do throws(PKIError) {
            body["status"] = [
                "token": .string(try tokens.sign(claims)),
                "expirationTimestamp": Timestamp(seconds: now + lifetime).json,
            ]
        } catch {
            throw .internalError("cannot sign a token: \(error)")
        }
        body["apiVersion"] = .string(TokenRequest.kind.apiVersion)
        body["kind"] = .string(TokenRequest.kind.kind)
        body["metadata"] = [
            "name": .string(request.name), "namespace": .string(namespace),
            "creationTimestamp": registry.time.now().json,
        ]
        body["spec", "audiences"] = granted.json
        body["spec", "expirationSeconds"] = .integer(lifetime)
        return .json(201, body.encoded(), warnings: warnings)
    }

    /// Metadata may be left out, and is then filled in.
    private static func checkName(_ body: JSONObject, _ request: ResourceRequest) throws(Status) {
        try WriteEndpoint.check(body[metadata: "namespace"]?.string ?? "", request.path.namespace ?? "")
        guard body.name.isEmpty || body.name == request.name else {
            throw .invalid(
                group: TokenRequest.kind.group, kind: TokenRequest.kind.kind, name: request.name,
                [.invalid("metadata.name", .string(body.name), "must match the service account name if specified")])
        }
    }

    private static func lifetime(_ spec: JSONValue?, _ name: String) throws(Status) -> Int64 {
        guard let value = spec?["expirationSeconds"], !value.isNull else { return defaultLifetime }
        guard let seconds = value.integer, lifetimes.contains(seconds) else {
            throw .invalid(
                group: TokenRequest.kind.group, kind: TokenRequest.kind.kind, name: name,
                [.invalid("spec.expirationSeconds", value, "must be between 10 minutes and 2^32 seconds")])
        }
        return seconds
    }

    /// What the token is bound to.
    private struct Bound {
        var pod: ServiceAccountClaims.BoundObject?
        var secret: ServiceAccountClaims.BoundObject?
        /// The pod's, where there is a pod.
        var node: ServiceAccountClaims.BoundObject?
    }

    /// The object that the token lives and dies with. It must exist.
    private func bound(
        _ spec: JSONValue?, _ request: ResourceRequest, account: String, audiences: [String]
    ) throws(Status) -> Bound {
        let reference = spec?["boundObjectRef"]
        if let node = request.identity.nodeName { try checkReference(reference, node, request) }
        guard let reference, !reference.isNull else { return Bound() }
        let kinds = [Pod.kind, Secret.kind, Node.kind]
        let (version, name) = (reference["apiVersion"]?.string ?? "", reference["kind"]?.string ?? "")
        guard ["", "v1"].contains(version), let kind = kinds.first(where: { $0.kind == name }),
            let resource = registry.resources[kind]
        else { throw .badRequest("cannot bind token to object of type \(version), Kind=\(name)") }
        let object = try self.object(reference["name"]?.string ?? "", resource, request)
        if kind == Pod.kind, let node = request.identity.nodeName { try checkPod(object, node, request, audiences) }
        let found = ServiceAccountClaims.BoundObject(name: object.name, uid: object[metadata: "uid"]?.string ?? "")
        if let wanted = reference["uid"]?.string, !wanted.isEmpty, wanted != found.uid {
            throw .conflict(
                resource.name, found.name,
                "the UID in the bound object reference (\(wanted)) does not match the UID in record (\(found.uid))")
        }
        switch kind {
        case Pod.kind:
            try Self.check(object, actsAs: account)
            return Bound(pod: found, node: node(of: object))
        case Secret.kind: return Bound(secret: found)
        default: return Bound(node: found)
        }
    }

    private func node(of pod: JSONObject) -> ServiceAccountClaims.BoundObject? {
        guard let name = pod["spec"]?["nodeName"]?.string, !name.isEmpty, let nodes = registry.resources[Node.kind]
        else { return nil }
        let node = nodes.cache[nodes.key(namespace: nil, name: name)]?.tree
        return .init(name: name, uid: node?[metadata: "uid"]?.string ?? "")
    }

    private static func check(_ pod: JSONObject, actsAs account: String) throws(Status) {
        // A mirror pod acts as nobody: a node could make one in any namespace.
        guard pod["spec"]?["serviceAccountName"]?.string == account else {
            throw .badRequest(
                "cannot bind token for serviceaccount \"\(account)\" to pod running with different serviceaccount name")
        }
    }

    /// A node is not told whether a pod that is not its own is there.
    private func object(_ name: String, _ resource: Resource, _ request: ResourceRequest) throws(Status) -> JSONObject {
        let namespace = resource.kind.isNamespaced ? request.path.namespace : nil
        do throws(Status) {
            return try registry.current(resource, namespace: namespace, name: name).tree
        } catch {
            guard error.isReason(.notFound), let node = request.identity.nodeName else { throw error }
            throw notItsPod(request, node)
        }
    }

    /// A node names the very pod: another of that name may have come meanwhile.
    private func checkReference(_ reference: JSONValue?, _ node: String, _ request: ResourceRequest) throws(Status) {
        guard reference?["apiVersion"] == "v1", reference?["kind"] == "Pod",
            !(reference?["name"]?.string ?? "").isEmpty
        else { throw refusal(request, "node \"\(node)\" requested a token that is not bound to a pod") }
        guard !(reference?["uid"]?.string ?? "").isEmpty else {
            throw refusal(request, "node \"\(node)\" requested a token bound to a pod without its uid")
        }
    }

    /// As upstream has it with ServiceAccountNodeAudienceRestriction: a volume that names no audience is for the API server's own.
    private func checkPod(
        _ pod: JSONObject, _ node: String, _ request: ResourceRequest, _ audiences: [String]
    ) throws(Status) {
        guard pod["spec"]?["nodeName"]?.string == node else {
            throw notItsPod(request, node)
        }
        guard audiences.count == 1, let audience = audiences.first else {
            throw refusal(request, "node \"\(node)\" may only request one audience at a time")
        }
        let sources = (pod["spec"]?["volumes"]?.array ?? []).flatMap { $0["projected"]?["sources"]?.array ?? [] }
        let isUsed = sources.lazy.compactMap { $0["serviceAccountToken"] }.contains { source in
            let named = source["audience"]?.string ?? ""
            return (named.isEmpty ? self.audiences.first : named) == audience
        }
        guard isUsed else { throw refusal(request, "audience \"\(audience)\" not found in a volume of the pod") }
    }

    private func notItsPod(_ request: ResourceRequest, _ node: String) -> Status {
        refusal(request, "node \"\(node)\" requested a token for a pod that is not on it")
    }

    private func refusal(_ request: ResourceRequest, _ why: String) -> Status {
        .forbidden(request.resource.name, request.name, why)
    }
}
