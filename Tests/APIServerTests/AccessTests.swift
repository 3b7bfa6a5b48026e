import APIMachinery
import HTTP
import JSONTree
import PKI
import Testing

@Suite struct AccessTests {
    @Test func anonymousMayDoNothing() async throws {
        let api = try await TestServer()
        let answer = try await api.get(Path.pods, peer: .anonymous)
        #expect(answer.status == 403)
        #expect(answer.reason == "Forbidden")
        #expect(
            answer.message
                == "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
        )
        #expect(try await api.get("/api", peer: .anonymous).status == 403)
        #expect(try await api.get("/apis/apps/v1/namespaces/default/deployments/x", peer: .anonymous).status == 403)
    }

    @Test func certificatesAndTheLocalRootAreKnown() async throws {
        let api = try await TestServer()
        let admin = Peer.certificate(commonName: "me", organizations: ["system:masters"])
        #expect(try await api.get(Path.pods, peer: admin).status == 200)
        #expect(try await api.get(Path.pods, peer: .certificate(commonName: "me", organizations: [])).status == 403)
        #expect(try await api.get(Path.pods, peer: .local(uid: 0, pid: 1)).status == 200)
        #expect(try await api.get(Path.pods, peer: .local(uid: 1000, pid: 1)).status == 403)
    }

    @Test func whoAmI() async throws {
        let api = try await TestServer()
        let answer = try await api.send(
            .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", ["kind": "SelfSubjectReview"],
            peer: .certificate(commonName: "me", organizations: ["team"]))
        #expect(answer.status == 201)
        #expect(answer.json["status"]?["userInfo"]?["username"] == "me")
        #expect(answer.json["status"]?["userInfo"]?["groups"] == ["team", "system:authenticated"])
    }

    @Test func canI() async throws {
        let api = try await TestServer()
        func allowed(_ verb: String, _ resource: String, _ peer: Peer) async throws -> JSONValue? {
            let body: JSONValue = [
                "spec": ["resourceAttributes": ["verb": .string(verb), "resource": .string(resource)]]
            ]
            return try await api.send(.post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body, peer: peer)
                .json["status"]?["allowed"]
        }
        #expect(try await allowed("delete", "pods", TestServer.admin) == true)
        #expect(try await allowed("*", "*", TestServer.admin) == true)
        #expect(try await allowed("*", "*", .certificate(commonName: "me", organizations: [])) == false)
        #expect(try await allowed("delete", "pods", .certificate(commonName: "me", organizations: [])) == false)
    }

    @Test func whatMayIDo() async throws {
        let api = try await TestServer()
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        let all = try await api.send(.post, path, ["spec": ["namespace": "default"]])
        #expect(
            all.json["status"] == [
                "incomplete": false, "nonResourceRules": [["nonResourceURLs": ["*"], "verbs": ["*"]]],
                "resourceRules": [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]],
            ])
        #expect(try await api.send(.post, path, [:]).status == 400)
    }

    private static let account = Peer.inProcess(
        user: "system:serviceaccount:default:default", groups: ["system:serviceaccounts"])
    private static let node = Peer.inProcess(user: "system:node:n", groups: ["system:nodes"])

    /// What the rules say, and what they do not say, is what a question about the single thing is answered.
    @Test(arguments: [
        account, node, Peer.inProcess(user: "system:kube-scheduler", groups: []),
        Peer.inProcess(user: "system:kube-controller-manager", groups: []),
        Peer.certificate(commonName: "me", organizations: []),
    ])
    func rulesAreWhatHolds(_ peer: Peer) async throws {
        let api = try await TestServer()
        for namespace in ["default", "kube-system"] {
            let answer = try await api.send(
                .post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
                ["spec": ["namespace": .string(namespace)]],
                peer: peer)
            let status = answer.json["status"]
            #expect(status?["incomplete"] == .bool(peer == Self.node))
            let rules = status?["resourceRules"]?.array ?? []
            #expect(rules.allSatisfy { $0["resources"]?.array?.contains("*") == false })
            let all = ["list", "create", "delete"]
            for (group, resource, subresource, verbs) in [
                ("", "pods", "", all), ("", "pods", "log", ["get"]), ("", "pods", "exec", ["get", "create"]),
                ("", "secrets", "", all), ("", "nodes", "", all), ("", "serviceaccounts", "token", ["create"]),
                ("apps", "deployments", "", all), ("events.k8s.io", "events", "", all),
                ("authentication.k8s.io", "tokenreviews", "", ["create"]),
                ("authentication.k8s.io", "selfsubjectreviews", "", ["create"]),
            ] {
                let name = subresource.isEmpty ? resource : "\(resource)/\(subresource)"
                for verb in verbs {
                    let isSaid = rules.contains { rule in
                        rule["apiGroups"] == [.string(group)] && rule["verbs"]?.array?.contains(.string(verb)) == true
                            && rule["resources"]?.array?.contains(.string(name)) == true
                    }
                    let attributes: JSONValue = [
                        "verb": .string(verb), "group": .string(group), "resource": .string(resource),
                        "subresource": .string(subresource), "namespace": resource == "nodes" ? "" : .string(namespace),
                    ]
                    let holds = try await api.send(
                        .post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                        ["spec": ["resourceAttributes": attributes]], peer: peer
                    ).json["status"]?["allowed"]
                    // A node's reads depend on the object.
                    if peer == Self.node, verb != "create" { continue }
                    #expect(holds == .bool(isSaid), "\(peer) \(verb) \(name) in \(namespace)")
                }
            }
        }
    }

    @Test func pathsThatMayBeReadAreNamed() async throws {
        let api = try await TestServer()
        let answer = try await api.send(
            .post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", ["spec": ["namespace": "default"]],
            peer: Self.account)
        let paths = answer.json["status"]?["nonResourceRules"]?.array?.first?["nonResourceURLs"]?.array ?? []
        for path in ["/healthz", "/livez/*", "/openapi/*", "/openid/v1/jwks"] {
            #expect(paths.contains(.string(path)), "\(path)")
        }
    }

    @Test func mastersMayActAsOthers() async throws {
        let api = try await TestServer()
        let headers: HTTPHeaders = ["Impersonate-User": "jane"]
        #expect(try await api.get(Path.pods, headers: headers).status == 403)
        let other = Peer.certificate(commonName: "me", organizations: [])
        #expect(try await api.get(Path.pods, headers: headers, peer: other).message.contains("impersonate"))
    }

    @Test func extraOfWhomOneActsAsIsKept() async throws {
        let api = try await TestServer()
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        var headers: HTTPHeaders = ["Impersonate-User": "jane", "Impersonate-Uid": "7"]
        headers.add("Impersonate-Extra-Scopes", "view")
        headers.add("impersonate-extra-scopes", "edit")
        headers.add("Impersonate-Extra-acme.com%2FProject", "some")
        let info = try await api.send(.post, path, [:], headers: headers).json["status"]?["userInfo"]
        #expect(info?["uid"] == "7")
        #expect(info?["extra"] == ["scopes": ["view", "edit"], "acme.com/project": ["some"]], "\(info?.text ?? "")")
        headers["Impersonate-User"] = nil
        #expect(try await api.send(.post, path, [:], headers: headers).status == 400)
        #expect(try await api.send(.post, path, [:], headers: ["Impersonate-Extra-a": "b"]).status == 400)
    }

    @Test func badTokensAreUnauthorized() async throws {
        let api = try await TestServer()
        let answer = try await api.get("/version", headers: ["Authorization": "Bearer nonsense"], peer: .anonymous)
        #expect(answer.status == 401)
        #expect(answer.reason == "Unauthorized")
    }
}
