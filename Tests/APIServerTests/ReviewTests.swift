import APIMachinery
import HTTP
import JSONTree
import PKI
import Testing

/// What servers beside this one ask about their callers.
@Suite struct ReviewTests {
    private static let access = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    private static let local = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews"

    private static func read(_ resource: String, in namespace: String) -> JSONValue {
        ["verb": "list", "resource": .string(resource), "namespace": .string(namespace)]
    }

    private static let account = "system:serviceaccount:default:default"

    @Test func theAnswerIsWhatARequestWouldMeet() async throws {
        let api = try await TestServer()
        for (namespace, resource, isAllowed) in [
            ("default", "pods", true), ("default", "secrets", false), ("kube-system", "pods", false),
        ] {
            let spec: JSONValue = [
                "user": .string(Self.account), "resourceAttributes": Self.read(resource, in: namespace),
            ]
            let answer = try await api.send(.post, Self.access, ["spec": spec])
            #expect(answer.status == 201)
            #expect(answer.json["status"]?["allowed"] == .bool(isAllowed), "\(answer.json.text)")
            let path = "/api/v1/namespaces/\(namespace)/\(resource)"
            let peer = Peer.inProcess(user: Self.account, groups: [])
            #expect(try await api.get(path, peer: peer).status == (isAllowed ? 200 : 403))
        }
        // Of "*" an account may not all; the other two name no resource.
        for resource in ["*", "pods/exec", ""] {
            let spec: JSONValue = [
                "user": .string(Self.account), "resourceAttributes": Self.read(resource, in: "default"),
            ]
            let answer = try await api.send(.post, Self.access, ["metadata": ["labels": [:]], "spec": spec])
            #expect(answer.json["status"]?["allowed"] == false, "\(resource): \(answer.json.text)")
        }
        let group: JSONValue = [
            "groups": ["system:masters"], "resourceAttributes": Self.read("secrets", in: "default"),
        ]
        #expect(try await api.send(.post, Self.access, ["spec": group]).json["status"]?["allowed"] == true)
        let path: JSONValue = [
            "user": "me", "groups": ["system:authenticated"],
            "nonResourceAttributes": ["path": "/openapi/v3", "verb": "get"],
        ]
        #expect(try await api.send(.post, Self.access, ["spec": path]).json["status"]?["allowed"] == true)
    }

    @Test func mastersAloneAskAboutOthers() async throws {
        let api = try await TestServer()
        let spec: JSONValue = ["user": "me", "resourceAttributes": Self.read("pods", in: "default")]
        let peer = Peer.inProcess(user: Self.account, groups: [])
        for path in [Self.access, Self.local, "/apis/authentication.k8s.io/v1/tokenreviews"] {
            #expect(try await api.send(.post, path, ["spec": spec], peer: peer).status == 403)
            #expect(try await api.get(path).status == 405)
        }
    }

    @Test func faultsAreUpstreams() async throws {
        let api = try await TestServer()
        func message(_ path: String, _ spec: JSONValue, _ metadata: JSONValue = [:]) async throws -> String {
            let answer = try await api.send(.post, path, ["metadata": metadata, "spec": spec])
            #expect(answer.status == 422)
            return answer.message
        }
        let pods = Self.read("pods", in: "default")
        #expect(
            try await message(Self.access, [:])
                == "SubjectAccessReview.authorization.k8s.io \"\" is invalid: [spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: Invalid value: \"\": at least one of user or group must be specified]"
        )
        #expect(
            try await message(Self.access, ["user": "me", "resourceAttributes": pods], ["name": "a"])
                .contains("must be empty"))
        #expect(
            try await message(
                Self.access, ["user": "me", "resourceAttributes": pods, "nonResourceAttributes": ["path": "/"]]
            ).contains("cannot be specified in combination with resourceAttributes"))
        let elsewhere: JSONValue = ["user": "me", "resourceAttributes": Self.read("pods", in: "other")]
        #expect(try await message(Self.local, elsewhere).contains("must match metadata.namespace"))
        #expect(
            try await message(Self.local, ["user": "me", "nonResourceAttributes": ["path": "/"]])
                .contains("disallowed on this kind of request"))
        #expect(try await api.send(.post, Self.access, ["spec": ["groups": "all"]]).status == 400)
        #expect(try await api.send(.post, Self.access, ["kind": "Pod"]).status == 400)
    }

    @Test func aReviewOfANamespace() async throws {
        let api = try await TestServer()
        let spec: JSONValue = ["user": .string(Self.account), "resourceAttributes": Self.read("pods", in: "default")]
        let answer = try await api.send(.post, Self.local, ["metadata": ["namespace": "default"], "spec": spec])
        #expect(answer.status == 201 && answer.json["status"]?["allowed"] == true, "\(answer.json.text)")
        #expect(answer.json["kind"] == "LocalSubjectAccessReview")
    }

    @Test func whoseTokenItIs() async throws {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        let issued = try await api.send(
            .post, "/api/v1/namespaces/default/serviceaccounts/default/token", ["spec": ["audiences": ["vault"]]])
        let token = try #require(issued.json["status"]?["token"])
        func review(_ spec: JSONValue) async throws -> JSONValue? {
            try await api.send(.post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": spec]).json["status"]
        }
        let status = try await review(["token": token, "audiences": ["other", "vault"]])
        #expect(status?["authenticated"] == true)
        #expect(status?["audiences"] == ["vault"])
        #expect(status?["user"]?["username"] == .string(Self.account))
        let groups = status?["user"]?["groups"]?.array ?? []
        #expect(groups.contains("system:serviceaccounts:default") && groups.contains("system:authenticated"))
        for spec: JSONValue in [["token": token], ["token": "nonsense", "audiences": ["vault"]]] {
            let refused = try await review(spec)
            #expect(refused?["authenticated"] == nil && refused?["error"] != nil)
        }
        let empty = try await api.send(.post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": [:]])
        #expect(empty.status == 400)
    }

    @Test func noReviewIsATable() async throws {
        let api = try await TestServer()
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        let body: JSONValue = ["spec": ["resourceAttributes": ["verb": "list", "resource": "pods"]]]
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        #expect(try await api.send(.post, path, body, headers: ["Accept": table]).status == 406)
        let either: HTTPHeaders = ["Accept": table + ",application/json"]
        #expect(try await api.send(.post, path, body, headers: either).status == 201)
    }

    @Test func reviewsAreDescribed() async throws {
        let api = try await TestServer()
        let served = try await api.get("/apis/authorization.k8s.io/v1").json["resources"]?.array ?? []
        #expect(served.contains { $0["name"] == "localsubjectaccessreviews" && $0["namespaced"] == true })
        let document = try await api.get("/openapi/v3/apis/authorization.k8s.io/v1").json
        #expect(document["paths"]?[Self.access]?["post"]?["x-kubernetes-action"] == "post")
        #expect(document["components"]?["schemas"]?["io.k8s.api.authorization.v1.SubjectAccessReviewSpec"] != nil)
    }

    @Test func serviceAccountsReadHowTokensAreChecked() async throws {
        let tokens = try ServiceAccountTokens(
            keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://test", object: "test")
        let api = try await TestServer(tokens: tokens)
        let account = Peer.inProcess(
            user: Self.account, groups: ["system:serviceaccounts", "system:serviceaccounts:default"])
        let metadata = try await api.get("/.well-known/openid-configuration", peer: account)
        #expect(metadata.status == 200 && metadata.json["issuer"] == "https://test")
        #expect(metadata.json["jwks_uri"] == "https://127.0.0.1:6443/openid/v1/jwks")
        let keys = try await api.get("/openid/v1/jwks", peer: account)
        #expect(keys.response.headers["Content-Type"] == "application/jwk-set+json")
        #expect(keys.json["keys"]?.array?.first?["alg"] == "ES256")
        for path in ["/.well-known/openid-configuration", "/openid/v1/jwks"] {
            #expect(try await api.get(path, peer: .anonymous).status == 403)
            #expect(try await api.get(path, peer: .certificate(commonName: "me", organizations: [])).status == 403)
        }
        #expect(try await api.get("/openid/v1/other").status == 404)
        #expect(try await TestServer().get("/openid/v1/jwks").status == 404)
    }
}
