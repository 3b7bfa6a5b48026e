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
