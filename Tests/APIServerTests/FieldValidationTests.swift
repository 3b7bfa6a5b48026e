import HTTP
import JSONTree
import PKI
import Testing

/// Fields that a kind does not have, and fields that stand twice: of every body that the server reads.
@Suite struct FieldValidationTests {
    private static func ask(
        _ api: TestServer, _ method: HTTPMethod, _ path: String, _ body: String, type: String = "application/json",
        query: [String: String] = [:]
    ) async throws -> Answer {
        let items = query.map { QueryItem($0.key, $0.value) }
        let request = HTTPRequest(
            method, path, query: items, headers: ["Content-Type": type], body: Array(body.utf8), peer: TestServer.admin)
        return Answer(try await api.server.handle(request))
    }

    /// Refused where validation is strict, warned of by default, passed over where it is told to.
    private static func expect(
        _ finding: String, _ api: TestServer, _ method: HTTPMethod, _ path: String, _ body: String,
        type: String = "application/json", query: [String: String] = [:]
    ) async throws {
        var query = query
        query["fieldValidation"] = "Strict"
        let strict = try await ask(api, method, path, body, type: type, query: query)
        #expect(strict.status == 400, "\(path): \(strict.json.text)")
        #expect(strict.message.hasSuffix("strict decoding error: \(finding)"), "\(path): \(strict.message)")
        query["fieldValidation"] = nil
        let warned = try await ask(api, method, path, body, type: type, query: query)
        #expect(warned.status == 200 || warned.status == 201, "\(path): \(warned.message)")
        let warning = warned.response.headers["Warning"]?.replacing("\\", with: "")
        #expect(warning == "299 - \"\(finding)\"", "\(path)")
        query["fieldValidation"] = "Ignore"
        let ignored = try await ask(api, method, path, body, type: type, query: query)
        #expect(ignored.response.headers["Warning"] == nil)
    }

    @Test func yaml() async throws {
        let api = try await TestServer()
        let body = "metadata:\n  name: a\ndata:\n  k: one\n  k: two\n"
        let all = ["dryRun": "All"]
        try await Self.expect(
            "duplicate field \"data.k\"", api, .post, Path.maps, body, type: "application/yaml", query: all)
        let config = "apiVersion: v1\nkind: ConfigMap\n" + body
        try await Self.expect(
            "duplicate field \"data.k\"", api, .patch, Path.maps + "/a", config, type: "application/apply-patch+yaml",
            query: ["fieldManager": "me", "dryRun": "All"])
    }

    @Test func jsonPatches() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let (path, type) = (Path.maps + "/a", "application/json-patch+json")
        try await Self.expect(
            "json patch unknown field \"[0].why\"", api, .patch, path,
            #"[{"op":"add","path":"/metadata/labels","value":{"why":"not"},"why":""}]"#, type: type)
        try await Self.expect(
            "json patch duplicate field \"[0].op\"", api, .patch, path,
            #"[{"op":"test","op":"add","path":"/metadata/labels","value":{}}]"#, type: type)
    }

    @Test func requestsToPartsOfAnObject() async throws {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        _ = try await api.send(.post, Path.deployments, deployment)
        let scale = Path.deployments + "/web/scale"
        let finding = "unknown field \"spec.repliccas\""
        let body = #"{"metadata":{"name":"web"},"spec":{"replicas":2,"repliccas":3}}"#
        try await Self.expect(finding, api, .put, scale, body)
        try await Self.expect(finding, api, .patch, scale, body, type: "application/merge-patch+json")
        #expect(try await Self.ask(api, .put, scale, #"{"kind":"Pod","metadata":{"name":"web"}}"#).status == 400)
        let token = "/api/v1/namespaces/default/serviceaccounts/default/token"
        try await Self.expect(
            "unknown field \"spec.audience\"", api, .post, token, #"{"spec":{"audience":["me"]}}"#)
        let issued = try await Self.ask(api, .post, token, #"{"spec":{"audience":["me"]},"more":1}"#)
        #expect(issued.json["spec"]?["audience"] == nil && issued.json["more"] == nil)
        _ = try await api.send(.post, Path.pods, pod("a"))
        try await Self.expect(
            "unknown field \"target.namme\"", api, .post, Path.pods + "/a/binding",
            #"{"metadata":{"name":"a"},"target":{"name":"n","namme":"m"}}"#, query: ["dryRun": "All"])
        try await Self.expect(
            "unknown field \"options\"", api, .post, Path.pods + "/a/eviction",
            #"{"metadata":{"name":"a"},"options":{}}"#, query: ["dryRun": "All"])
        try await Self.expect(
            "unknown field \"spec.finalizer\"", api, .put, "/api/v1/namespaces/default/finalize",
            #"{"metadata":{"name":"default"},"spec":{"finalizers":["kubernetes"],"finalizer":""}}"#)
    }

    @Test func reviews() async throws {
        let api = try await TestServer()
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        let body = #"{"spec":{"resourceAttributes":{"verb":"get","resource":"pods","namespce":"a"}}}"#
        try await Self.expect(
            "unknown field \"spec.resourceAttributes.namespce\"", api, .post, path, body)
        #expect(
            try await Self.ask(api, .post, path, body).json["spec"]?["resourceAttributes"]?["namespce"] == nil)
        try await Self.expect(
            "duplicate field \"spec.namespace\"", api, .post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            "spec:\n  namespace: a\n  namespace: b\n", type: "application/yaml")
    }

    @Test func tokenRequestsAreDescribed() async throws {
        let api = try await TestServer()
        let document = try await api.get("/openapi/v3/api/v1").json
        let path = "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        #expect(
            document["paths"]?[path]?["post"]?["x-kubernetes-group-version-kind"]?["kind"] == "TokenRequest")
        #expect(document["components"]?["schemas"]?["io.k8s.api.authentication.v1.TokenRequestSpec"] != nil)
    }

    private let deployment: JSONValue = [
        "metadata": ["name": "web"],
        "spec": [
            "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "m", "image": "i"]]],
            ],
        ],
    ]
}
