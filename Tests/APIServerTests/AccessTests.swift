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
        #expect(all.json["status"]?["resourceRules"]?.array?.first?["resources"] == ["*"], "\(all.json.text)")
        let scheduler = Peer.inProcess(user: "system:kube-scheduler", groups: [])
        let some = try await api.send(.post, path, ["spec": ["namespace": "default"]], peer: scheduler)
        #expect(
            some.json["status"]?["resourceRules"]?.array?.contains { $0["resources"] == ["bindings", "pods/binding"] }
                == true)
        #expect(try await api.send(.post, path, [:]).status == 400)
    }

    @Test func mastersMayActAsOthers() async throws {
        let api = try await TestServer()
        let headers: HTTPHeaders = ["Impersonate-User": "jane"]
        #expect(try await api.get(Path.pods, headers: headers).status == 403)
        let other = Peer.certificate(commonName: "me", organizations: [])
        #expect(try await api.get(Path.pods, headers: headers, peer: other).message.contains("impersonate"))
    }

    @Test func badTokensAreUnauthorized() async throws {
        let api = try await TestServer()
        let answer = try await api.get("/version", headers: ["Authorization": "Bearer nonsense"], peer: .anonymous)
        #expect(answer.status == 401)
        #expect(answer.reason == "Unauthorized")
    }
}
