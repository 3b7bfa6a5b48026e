import APIMachinery
import HTTP
import JSONTree
import KubernetesAPI
import PKI

/// POST serviceaccounts/token: issues a token for a service account, bound to a pod where the request names one.
struct TokenEndpoint: Sendable {
    let registry: ObjectRegistry
    let tokens: ServiceAccountTokens?
    let audiences: [String]

    /// Seconds a token may last.
    static let lifetimes: ClosedRange<Int64> = 600...(1 << 32)
    static let defaultLifetime: Int64 = 3600

    func create(_ request: ResourceRequest) async throws(Status) -> HTTPResponse {
        guard let tokens else { throw .notImplemented("this server has no key to sign service account tokens with") }
        var body = try RequestBody.object(request.http).storage
        try Self.schema.requireTypes(of: body, "TokenRequest")
        let spec = body["spec"]
        let account = try registry.current(request.resource, namespace: request.path.namespace, name: request.name).tree
        let namespace = request.path.namespace ?? ""
        let asked = (spec?["audiences"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        let granted = asked.isEmpty ? Array(audiences.prefix(1)) : asked
        let lifetime = try Self.lifetime(spec, request.name)
        let pod = try boundPod(spec, request, account: request.name)
        let now = registry.time.now().seconds
        let claims = ServiceAccountClaims(
            namespace: namespace,
            serviceAccount: .init(name: request.name, uid: account[metadata: "uid"]?.string ?? ""), pod: pod,
            audiences: granted, issuedAtSeconds: now, notBeforeSeconds: now, expiresAtSeconds: now + lifetime)
        do throws(PKIError) {
            body["status"] = [
                "token": .string(try tokens.sign(claims)),
                "expirationTimestamp": Timestamp(seconds: claims.expiresAtSeconds).json,
            ]
        } catch {
            throw .internalError("cannot sign a token: \(error)")
        }
        body["apiVersion"] = "authentication.k8s.io/v1"
        body["kind"] = "TokenRequest"
        body["metadata"] = [
            "name": .string(request.name), "namespace": .string(namespace),
            "creationTimestamp": registry.time.now().json,
        ]
        body["spec", "audiences"] = granted.json
        body["spec", "expirationSeconds"] = .integer(lifetime)
        return .json(201, body)
    }

    private static let schema = Schema.object(
        ObjectSchema(fields: [
            FieldSchema(
                "spec", "",
                .object(
                    ObjectSchema(fields: [
                        FieldSchema("audiences", "", .array(of: .string)),
                        FieldSchema(
                            "boundObjectRef", "",
                            .object(
                                ObjectSchema(
                                    fields: ["apiVersion", "kind", "name", "uid"].map { FieldSchema($0, "", .string) }))
                        ),
                        FieldSchema("expirationSeconds", "", .integer64),
                    ])))
        ]))

    private static func lifetime(_ spec: JSONValue?, _ name: String) throws(Status) -> Int64 {
        guard let value = spec?["expirationSeconds"], !value.isNull else { return defaultLifetime }
        guard let seconds = value.integer, lifetimes.contains(seconds) else {
            throw .invalid(
                group: "authentication.k8s.io", kind: "TokenRequest", name: name,
                [.invalid("spec.expirationSeconds", value, "must be between 10 minutes and 2^32 seconds")])
        }
        return seconds
    }

    /// The pod that the token lives and dies with. It must exist, act as this account, and (for a node's agent) be on that node.
    private func boundPod(
        _ spec: JSONValue?, _ request: ResourceRequest, account: String
    ) throws(Status) -> ServiceAccountClaims.BoundObject? {
        let reference = spec?["boundObjectRef"]
        guard let reference, !reference.isNull else {
            if let node = request.identity.nodeName {
                throw .forbidden(
                    request.resource.name, account, "node \"\(node)\" requested a token that is not bound to a pod")
            }
            return nil
        }
        let name = reference["name"]?.string ?? ""
        guard reference["kind"]?.string == "Pod", let pods = registry.resources[Pod.kind] else {
            throw .badRequest("boundObjectRef: tokens can be bound to pods only")
        }
        let pod = try registry.current(pods, namespace: request.path.namespace, name: name).tree
        let uid = pod[metadata: "uid"]?.string ?? ""
        if let wanted = reference["uid"]?.string, !wanted.isEmpty, wanted != uid {
            throw .conflict(
                pods.name, name,
                "the UID in the bound object reference (\(wanted)) does not match the UID in record (\(uid))")
        }
        // A mirror pod acts as nobody: a node could make one in any namespace.
        guard pod["spec"]?["serviceAccountName"]?.string == account else {
            throw .badRequest(
                "cannot bind token for serviceaccount \"\(account)\" to pod running with different serviceaccount name")
        }
        if let node = request.identity.nodeName, pod["spec"]?["nodeName"]?.string != node {
            throw .forbidden(
                request.resource.name, account, "node \"\(node)\" requested a token for a pod on another node")
        }
        return .init(name: name, uid: uid)
    }
}
