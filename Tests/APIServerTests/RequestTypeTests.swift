import HTTP
import JSONTree
import PKI
import Testing

/// What a request says in a value of the wrong type must not pass for nothing said.
@Suite struct RequestTypeTests {
    @Test(
        arguments: [
            ["dryRun": "All"], ["preconditions": ["uid": 5]], ["preconditions": "x"], ["gracePeriodSeconds": "60"],
            ["orphanDependents": "true"], ["propagationPolicy": 1],
        ] as [JSONValue])
    func aDeletionIsRefused(options: JSONValue) async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        #expect(try await api.send(.delete, Path.maps + "/a", options).status == 400)
        #expect(try await api.get(Path.maps + "/a").status == 200)
        _ = try await api.send(.post, Path.pods, pod("a"))
        let eviction: JSONValue = ["metadata": ["name": "a"], "deleteOptions": options]
        #expect(try await api.send(.post, Path.pods + "/a/eviction", eviction).status == 400)
        #expect(try await api.get(Path.pods + "/a").status == 200)
    }

    /// Answers end in logs.
    @Test(
        arguments: [["data": ["key": "hunter2!"]], ["data": "hunter2!"], ["stringData": ["key": 702_702]]]
            as [JSONValue])
    func noSecretIsRepeated(fields: JSONValue) async throws {
        let api = try await TestServer()
        var secret: JSONObject = ["metadata": ["name": "s"]]
        for member in fields.object?.members ?? [] { secret[member.key] = member.value }
        let answer = try await api.send(.post, "/api/v1/namespaces/default/secrets", .object(secret))
        #expect(answer.status == 400 && answer.message.contains(": Invalid value: must be "), "\(answer.message)")
        let body = String(decoding: answer.bytes, as: UTF8.self)
        #expect(!body.contains("hunter2") && !body.contains("702702"))
    }

    @Test func aBindingIsRefused() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a"))
        let body: JSONValue = ["metadata": ["name": "a", "uid": 5], "target": ["kind": "Node", "name": "n1"]]
        #expect(try await api.send(.post, Path.pods + "/a/binding", body).status == 400)
        #expect(try await api.get(Path.pods + "/a").json["spec"]?["nodeName"] == nil)
    }

    @Test(arguments: [["audiences": "vault"], ["audiences": [1]], ["boundObjectRef": "pod"]] as [JSONValue])
    func aTokenIsNotIssued(spec: JSONValue) async throws {
        let tokens = try ServiceAccountTokens(keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "test", object: "test")
        let api = try await TestServer(tokens: tokens)
        let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        #expect(try await api.send(.post, path, ["spec": spec]).status == 400)
        #expect(try await api.send(.post, path, ["spec": ["audiences": ["vault"]]]).status == 201)
    }
}
