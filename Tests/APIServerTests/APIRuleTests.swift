import APIMachinery
import HTTP
import JSONTree
import Testing

/// What the API server itself refuses, with the status and the words; one row a case.
@Suite struct APIRuleTests {
    @Test(
        arguments: [
            (#"{"name":"Bad_"}"#, ["metadata.name"]),
            (#"{"generateName":"Bad_"}"#, ["metadata.generateName", "metadata.name"]),
            (#"{"name":"a","generateName":"web-"}"#, []),
            (#"{"name":"a","labels":{"-":"x"}}"#, ["metadata.labels"]),
            (#"{"name":"a","labels":{"k":"a b"}}"#, ["metadata.labels"]),
            (#"{"name":"a","annotations":{"Example.com/X":"y"}}"#, []),
            (#"{"name":"a","annotations":{"a b":"y"}}"#, ["metadata.annotations"]),
            (#"{"name":"a","finalizers":["plain"]}"#, ["metadata.finalizers[0]"]),
            (#"{"name":"a","finalizers":["orphan","foregroundDeletion"]}"#, ["metadata.finalizers"]),
            (#"{"name":"a","finalizers":["example.com/one"]}"#, []),
            (
                #"{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":""}]}"#,
                ["metadata.ownerReferences[0].uid"]
            ),
            (
                #"{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Event","name":"p","uid":"u"}]}"#,
                ["metadata.ownerReferences[0]"]
            ),
            (
                #"{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":true},{"apiVersion":"v1","kind":"Pod","name":"q","uid":"w","controller":true}]}"#,
                ["metadata.ownerReferences"]
            ),
        ] as [(String, [String])]) func metadata(row: (String, [String])) async throws
    {
        let api = try await TestServer()
        let answer = try await api.send(.post, Path.maps, ["metadata": try JSONValue(parsing: row.0)])
        #expect(answer.status == (row.1.isEmpty ? 201 : 422), "\(answer.message)")
        #expect((answer.json["details"]?["causes"]?.array ?? []).compactMap { $0["field"]?.string } == row.1)
    }

    @Test func annotationsHaveALimit() async throws {
        let api = try await TestServer()
        let text = JSONValue.string(String(repeating: "x", count: 256 << 10))
        let answer = try await api.send(.post, Path.maps, ["metadata": ["name": "a", "annotations": ["k": text]]])
        #expect(
            answer.message
                == #"ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes"#)
    }

    @Test func everyFaultIsNamedOnce() async throws {
        let api = try await TestServer()
        let spec: JSONValue = [
            "containers": [["image": "a", "volumeMounts": [["name": "v", "mountPath": "/v"]]]], "restartPolicy": "No",
        ]
        let answer = try await api.send(.post, Path.pods, ["metadata": ["name": "a"], "spec": spec])
        let fields = (answer.json["details"]?["causes"]?.array ?? []).compactMap { $0["field"]?.string }
        #expect(
            Set(fields) == [
                "spec.containers[0].name", "spec.containers[0].volumeMounts[0].name", "spec.restartPolicy",
            ])
        #expect(fields.count == 3, "\(answer.message)")
    }

    @Test(
        arguments: [
            (
                ["dryRun": "Some"],
                #"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All""#
            ),
            (
                ["fieldValidation": "No"],
                #"CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "No": supported values: "", "Ignore", "Strict", "Warn""#
            ),
            (
                ["fieldManager": String(repeating: "m", count: 129)],
                #"CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes"#
            ),
        ] as [([String: String], String)]) func optionsOfWrites(row: ([String: String], String)) async throws
    {
        let api = try await TestServer()
        let answer = try await api.send(.post, Path.maps, configMap("a"), query: row.0)
        #expect(answer.status == 422)
        #expect(answer.message == row.1)
    }

    @Test func onlyAnApplyIsForced() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let answer = try await api.send(
            .patch, Path.maps + "/a", [:], query: ["force": "true"],
            headers: ["Content-Type": "application/merge-patch+json"])
        #expect(
            answer.message
                == #"PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#
        )
    }

    @Test(
        arguments: [
            (
                ["resourceVersionMatch": "Exact"],
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            ),
            (
                ["resourceVersionMatch": "Nearly", "resourceVersion": "1"],
                #"resourceVersionMatch: Unsupported value: "Nearly": supported values: "", "Exact", "NotOlderThan""#
            ),
            (
                ["resourceVersionMatch": "Exact", "resourceVersion": "0"],
                #"resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0""#
            ),
            (["sendInitialEvents": "true"], "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
            (
                ["watch": "true", "sendInitialEvents": "true"],
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            ),
            (
                ["watch": "true", "resourceVersionMatch": "NotOlderThan"],
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            ),
        ] as [([String: String], String)]) func optionsOfLists(row: ([String: String], String)) async throws
    {
        let answer = try await TestServer().get(Path.maps, query: row.0)
        #expect(answer.status == 422)
        #expect(answer.message == #"ListOptions.meta.k8s.io "" is invalid: "# + row.1)
    }

    @Test func aWatchPassesOverItsLimit() async throws {
        let watch = try await TestServer().watch(Path.services, query: ["limit": "1"])
        #expect(try await watch.next() == "ADDED kubernetes")
        watch.cancel()
    }

    @Test func whatTheServerSetStays() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a"))
        var object = try #require(created.json.object)
        object["metadata"] = ["name": "a", "creationTimestamp": "2020-01-01T00:00:00Z"]
        let refused = try await api.send(.put, Path.maps + "/a", .object(object))
        #expect(refused.message.contains("metadata.creationTimestamp: Invalid value"), "\(refused.message)")
        object["metadata"] = [
            "name": "a", "creationTimestamp": created.json["metadata"]?["creationTimestamp"] ?? .null,
        ]
        #expect(try await api.send(.put, Path.maps + "/a", .object(object)).status == 200)
        let nameless = try await api.send(.put, Path.maps + "/a", ["data": [:]])
        #expect(nameless.status == 400)
        #expect(
            nameless.message == "the name of the object (a based on URL) was undeterminable: name must be provided")
    }

    @Test func anObjectOfTheClusterLosesItsNamespace() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["name": "n", "namespace": "default"], "spec": ["finalizers": ["a.b/c"]]]
        let created = try await api.send(.post, "/api/v1/namespaces", body)
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["metadata"]?["namespace"] == nil)
        #expect(created.json["spec"]?["finalizers"] == ["a.b/c", "kubernetes"])
    }

    @Test func repeatedFieldsOfAPatchAreTold() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        var request = HTTPRequest(
            .patch, Path.maps + "/a", query: [QueryItem("fieldValidation", "Strict")],
            headers: ["Content-Type": "application/merge-patch+json"],
            body: Array(#"{"data":{"k":"1","k":"2"}}"#.utf8), peer: TestServer.admin)
        let refused = Answer(try await api.server.handle(request))
        #expect(refused.message.contains("duplicate field \"data.k\""), "\(refused.status) \(refused.message)")
        request.query = []
        let warned = Answer(try await api.server.handle(request))
        #expect(warned.status == 200)
        #expect(warned.response.headers["Warning"]?.contains("duplicate field") == true)
    }

    @Test func aServiceLetsGoOfItsNodePorts() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["name": "a"], "spec": ["type": "NodePort", "ports": [["port": 80]]]]
        let created = try await api.send(.post, Path.services, body)
        #expect(created.json["spec"]?["externalTrafficPolicy"] == "Cluster")
        let merge: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        let plain = try await api.send(
            .patch, Path.services + "/a", ["spec": ["type": "ClusterIP"]], headers: merge)
        #expect(plain.status == 200, "\(plain.message)")
        #expect(plain.json["spec"]?["ports"]?.array?.first?["nodePort"] == nil)
        #expect(plain.json["spec"]?["externalTrafficPolicy"] == nil)
        let address = try #require(plain.json["spec"]?["clusterIP"])
        let moved = try await api.send(
            .patch, Path.services + "/a", ["spec": ["clusterIP": "10.96.9.9"]], headers: merge)
        #expect(
            moved.message
                == #"Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set"#,
            "\(address)")
        let alias: JSONValue = ["spec": ["type": "ExternalName", "externalName": "example.com"]]
        let away = try await api.send(.patch, Path.services + "/a", alias, headers: merge)
        #expect(away.status == 200, "\(away.message)")
        #expect(away.json["spec"]?["clusterIP"] == nil)
        let back = try await api.send(
            .patch, Path.services + "/a", ["spec": ["type": "ClusterIP", "externalName": .null]], headers: merge)
        #expect(back.json["spec"]?["clusterIP"]?.string?.hasPrefix("10.") == true, "\(back.message)")
    }

    @Test func eventsAreNamedAsTheyComeOut() async throws {
        let api = try await TestServer()
        let path = "/api/v1/namespaces/default/events"
        func event(_ name: String) -> JSONValue {
            ["metadata": ["name": .string(name)], "involvedObject": ["kind": "Node", "name": "n"], "count": 0]
        }
        #expect(try await api.send(.post, path, event("Some_Event.1f")).status == 201)
        #expect(try await api.send(.post, path, event("a%b")).status == 422)
        let accept: HTTPHeaders = ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"]
        let cells = try await api.get(path, headers: accept).json["rows"]?.array?.first?["cells"]?.array
        #expect(cells?[3] == "node/n")
        #expect(cells?[8] == 1)
    }
}

/// Conflicts between managers, as kubectl prints them.
@Suite struct ConflictTextTests {
    private let type: HTTPHeaders = ["Content-Type": "application/apply-patch+yaml"]

    private func deployment(replicas: Int64) -> JSONValue {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": [
                "replicas": .integer(replicas), "selector": ["matchLabels": ["a": "b"]],
                "template": [
                    "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "app", "image": "nginx"]]],
                ],
            ],
        ]
    }

    @Test func anUpdaterIsNamedWithItsVersion() async throws {
        let api = try await TestServer()
        let path = Path.deployments + "/web"
        let query = ["fieldManager": "one"]
        #expect(try await api.send(.patch, path, deployment(replicas: 1), query: query, headers: type).status == 201)
        _ = try await api.send(
            .patch, path, ["spec": ["replicas": 2]], query: ["fieldManager": "editor"],
            headers: ["Content-Type": "application/merge-patch+json"])
        let conflict = try await api.send(.patch, path, deployment(replicas: 3), query: query, headers: type)
        #expect(
            conflict.message
                == #"Apply failed with 1 conflict: conflict with "editor" using apps/v1 at 2026-01-01T00:00:00Z: .spec.replicas"#
        )
        let cause = conflict.json["details"]?["causes"]?.array?.first
        #expect(cause?["field"] == ".spec.replicas" && cause?["reason"] == "FieldManagerConflict")
    }

    @Test func anApplierIsNamedAlone() async throws {
        let api = try await TestServer()
        let path = Path.deployments + "/web"
        _ = try await api.send(
            .patch, path, deployment(replicas: 1), query: ["fieldManager": "one"], headers: type)
        let conflict = try await api.send(
            .patch, path, deployment(replicas: 3), query: ["fieldManager": "two"], headers: type)
        #expect(conflict.message == #"Apply failed with 1 conflict: conflict with "one": .spec.replicas"#)
        let forced = try await api.send(
            .patch, path, deployment(replicas: 3), query: ["fieldManager": "two", "force": "true"], headers: type)
        #expect(forced.json["spec"]?["replicas"] == 3)
    }
}
