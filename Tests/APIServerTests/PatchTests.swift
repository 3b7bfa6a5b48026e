import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct PatchTests {
    private func patch(_ api: TestServer, _ path: String, _ type: String, _ body: JSONValue) async throws -> Answer {
        try await api.send(.patch, path, body, headers: ["Content-Type": "application/\(type)"])
    }

    @Test func mergePatch() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a", ["x": "1", "y": "2"]))
        let patched = try await patch(api, Path.maps + "/a", "merge-patch+json", ["data": ["x": .null, "z": "3"]])
        #expect(patched.json["data"] == ["y": "2", "z": "3"])
    }

    @Test func jsonPatch() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a", ["x": "1"]))
        let change: JSONValue = [["op": "replace", "path": "/data/x", "value": "2"]]
        #expect(try await patch(api, Path.maps + "/a", "json-patch+json", change).json["data"]?["x"] == "2")
        let failing: JSONValue = [["op": "test", "path": "/data/x", "value": "9"]]
        #expect(try await patch(api, Path.maps + "/a", "json-patch+json", failing).status == 422)
        #expect(try await patch(api, Path.maps + "/a", "json-patch+json", ["op": "x"]).status == 400)
    }

    @Test func strategicMergePatchMergesListsByKey() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.deployments, deployment("web"))
        let change: JSONValue = [
            "spec": ["template": ["spec": ["containers": [["name": "side", "image": "busybox"]]]]]
        ]
        let patched = try await patch(api, Path.deployments + "/web", "strategic-merge-patch+json", change)
        let containers = patched.json["spec"]?["template"]?["spec"]?["containers"]?.array ?? []
        #expect(Set(containers.compactMap { $0["name"]?.string }) == ["main", "side"])
        #expect(patched.json["metadata"]?["generation"] == 2)
    }

    @Test func statusIsPatchedThroughItsSubresource() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        let change: JSONValue = ["status": ["phase": "Running", "podIP": "10.1.2.3"]]
        let ignored = try await patch(api, Path.pods + "/a", "merge-patch+json", change)
        #expect(ignored.json["status"]?["phase"] == "Pending")
        let patched = try await patch(api, Path.pods + "/a/status", "strategic-merge-patch+json", change)
        #expect(patched.json["status"]?["phase"] == "Running")
        #expect(patched.json["status"]?["qosClass"] == "BestEffort")
    }

    @Test func metadataIsPatchedThroughTheStatusToo() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.deployments, deployment("web"))
        _ = try await api.send(.post, "/api/v1/namespaces", ["metadata": ["name": "team"]])
        let change: JSONValue = ["metadata": ["annotations": ["a": "b"], "labels": ["l": "m"]]]
        let namespace = try await patch(api, "/api/v1/namespaces/team/status", "merge-patch+json", change)
        #expect(namespace.json["metadata"]?["annotations"] == ["a": "b"])
        #expect(namespace.json["metadata"]?["labels"]?["l"] == "m")
        // A deployment's labels are the exception.
        let deployment = try await patch(api, Path.deployments + "/web/status", "merge-patch+json", change)
        #expect(deployment.json["metadata"]?["annotations"] == ["a": "b"])
        #expect(deployment.json["metadata"]?["labels"]?["l"] == nil)
    }

    @Test func aVersionInAPatchIsAPrecondition() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let change: JSONValue = ["metadata": ["resourceVersion": "1"], "data": ["k": "v"]]
        #expect(try await patch(api, Path.maps + "/a", "merge-patch+json", change).status == 409)
    }

    @Test func patchesInParallelAllArrive() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<10 {
                group.addTask {
                    try await patch(api, Path.maps + "/a", "merge-patch+json", ["data": ["k\(index)": "v"]]).status
                }
            }
            for try await status in group { #expect(status == 200) }
        }
        #expect(try await api.get(Path.maps + "/a").json["data"]?.object?.count == 10)
    }

    @Test func refusesUnknownKinds() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        #expect(try await patch(api, Path.maps + "/a", "json", ["data": ["k": "v"]]).status == 415)
    }
}
