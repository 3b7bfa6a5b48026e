import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct ApplyTests {
    private func apply(
        _ api: TestServer, _ data: [String: String], manager: String, force: Bool = false
    ) async throws -> Answer {
        let body: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": data.json]
        return try await api.send(
            .patch, Path.maps + "/a", body, query: ["fieldManager": manager, "force": force ? "true" : "false"],
            headers: ["Content-Type": "application/apply-patch+yaml"])
    }

    @Test func createsAndThenChanges() async throws {
        let api = try await TestServer()
        let created = try await apply(api, ["x": "1", "y": "1"], manager: "one")
        #expect(created.status == 201, "\(created.json.text)")
        let entry = created.json["metadata"]?["managedFields"]?.array?.first
        #expect(entry?["manager"] == "one" && entry?["operation"] == "Apply")
        let same = try await apply(api, ["x": "1", "y": "1"], manager: "one")
        #expect(same.status == 200)
        #expect(same.revision == created.revision)
        // What the manager no longer names goes.
        #expect(try await apply(api, ["x": "2"], manager: "one").json["data"] == ["x": "2"])
    }

    @Test func conflictsAreNamedAndForced() async throws {
        let api = try await TestServer()
        _ = try await apply(api, ["x": "1"], manager: "one")
        let conflict = try await apply(api, ["x": "2"], manager: "two")
        #expect(conflict.status == 409)
        #expect(conflict.message.contains("conflict with \"one\""), "\(conflict.message)")
        #expect(try await apply(api, ["x": "2"], manager: "two", force: true).json["data"]?["x"] == "2")
    }

    @Test func updatesTakeFieldsOnceSomeoneApplied() async throws {
        let api = try await TestServer()
        _ = try await apply(api, ["x": "1"], manager: "one")
        let change: JSONValue = ["data": ["x": "3"]]
        let patched = try await api.send(
            .patch, Path.maps + "/a", change, query: ["fieldManager": "editor"],
            headers: ["Content-Type": "application/merge-patch+json"])
        let managers = (patched.json["metadata"]?["managedFields"]?.array ?? []).compactMap { $0["manager"]?.string }
        #expect(managers.contains("editor"))
        #expect(try await apply(api, ["x": "4"], manager: "one").status == 409)
    }

    @Test func anObjectMadeOtherwiseBelongsToItsMaker() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a", ["x": "1"]))
        #expect(created.json["metadata"]?["managedFields"] == nil)
        #expect(try await apply(api, ["x": "2"], manager: "one").status == 409)
        #expect(try await apply(api, ["x": "1", "y": "1"], manager: "one").status == 200)
    }

    @Test func needsAManagerAndTheRightKind() async throws {
        let api = try await TestServer()
        let type: HTTPHeaders = ["Content-Type": "application/apply-patch+yaml"]
        let body: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"]]
        #expect(try await api.send(.patch, Path.maps + "/a", body, headers: type).status == 422)
        let other: JSONValue = ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"]]
        #expect(
            try await api.send(.patch, Path.maps + "/a", other, query: ["fieldManager": "m"], headers: type).status
                == 400)
    }

    @Test func aScaleIsApplied() async throws {
        let api = try await TestServer()
        let body: JSONValue = [
            "metadata": ["name": "web", "annotations": ["k": "v"]],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "m", "image": "i"]]],
                ],
            ],
        ]
        let created = try await api.send(.post, Path.deployments, body).json
        let path = Path.deployments + "/web/scale"
        let type: HTTPHeaders = ["Content-Type": "application/apply-patch+yaml"]
        func scale(_ replicas: Int64) -> JSONValue {
            [
                "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web"],
                "spec": ["replicas": .integer(replicas)],
            ]
        }
        // Whoever made the object has the number so far.
        #expect(
            try await api.send(.patch, path, scale(3), query: ["fieldManager": "scaler"], headers: type).status == 409)
        let applied = try await api.send(
            .patch, path, scale(3), query: ["fieldManager": "scaler", "force": "true"], headers: type)
        #expect(applied.status == 200 && applied.json["kind"] == "Scale", "\(applied.message)")
        #expect(applied.json["spec"]?["replicas"] == 3)
        let scaled = try await api.get(Path.deployments + "/web").json
        #expect(scaled["spec"]?["template"] == created["spec"]?["template"])
        #expect(scaled["metadata"]?["annotations"] == ["k": "v"] && scaled["metadata"]?["generation"] == 2)
        let entries = scaled["metadata"]?["managedFields"]?.array ?? []
        let own = try #require(entries.first { $0["manager"] == "scaler" })
        #expect(own["subresource"] == "scale" && own["operation"] == "Apply" && own["apiVersion"] == "apps/v1")
        #expect(own["fieldsV1"] == ["f:spec": ["f:replicas": [:]]])
        let other = try await api.send(.patch, path, scale(5), query: ["fieldManager": "other"], headers: type)
        #expect(other.status == 409 && other.message.contains("scaler"), "\(other.message)")
        let forced = try await api.send(
            .patch, path, scale(5), query: ["fieldManager": "other", "force": "true"], headers: type)
        #expect(forced.json["spec"]?["replicas"] == 5, "\(forced.message)")
        #expect(try await api.send(.patch, path, scale(-1), query: ["fieldManager": "o"], headers: type).status == 422)
        #expect(try await api.send(.patch, path, scale(1), headers: type).status == 422)
        let missing = Path.deployments + "/none/scale"
        let named = scale(1).object.map { object in
            var object = object
            object["metadata"] = [:]
            return JSONValue.object(object)
        }
        #expect(
            try await api.send(.patch, missing, named, query: ["fieldManager": "o"], headers: type).status == 404)
        let wrong: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"]]
        #expect(try await api.send(.patch, path, wrong, query: ["fieldManager": "o"], headers: type).status == 400)
    }

    @Test func anEmptyListEndsAnothersList() async throws {
        let api = try await TestServer()
        func apply(_ tolerations: JSONValue, as manager: String, force: Bool = false) async throws -> Answer {
            let body: JSONValue = [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
                "spec": [
                    "selector": ["matchLabels": ["app": "web"]],
                    "template": [
                        "metadata": ["labels": ["app": "web"]],
                        "spec": ["containers": [["name": "m", "image": "i"]], "tolerations": tolerations],
                    ],
                ],
            ]
            return try await api.send(
                .patch, Path.deployments + "/web", body, query: ["fieldManager": manager, "force": "\(force)"],
                headers: ["Content-Type": "application/apply-patch+yaml"])
        }
        #expect(try await apply([["key": "k", "operator": "Exists"]], as: "one").status == 201)
        let conflict = try await apply([], as: "two")
        #expect(conflict.status == 409 && conflict.message.contains("tolerations"), "\(conflict.message)")
        let forced = try await apply([], as: "two", force: true)
        #expect(forced.status == 200, "\(forced.message)")
        let spec = forced.json["spec"]?["template"]?["spec"]
        #expect(spec?["containers"] != nil && spec?["tolerations"] == nil)
        #expect(try await apply([], as: "two").revision == forced.revision)
    }

    @Test func twoMayApplyTheSameEmptyListOfItems() async throws {
        let api = try await TestServer()
        for (manager, status) in [("one", 201), ("two", 200)] {
            let body: JSONValue = [
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "a", "finalizers": []],
                "secrets": [],
            ]
            let answer = try await api.send(
                .patch, "/api/v1/namespaces/default/serviceaccounts/a", body, query: ["fieldManager": manager],
                headers: ["Content-Type": "application/apply-patch+yaml"])
            #expect(answer.status == status, "\(answer.message)")
        }
    }

    @Test func yamlBodiesAreRead() async throws {
        let api = try await TestServer()
        var request = HTTPRequest(
            .post, Path.maps, headers: ["Content-Type": "application/yaml"],
            body: Array("metadata:\n  name: a\ndata:\n  k: \"1\"\n".utf8), peer: TestServer.admin)
        #expect(Answer(try await api.server.handle(request)).json["data"]?["k"] == "1")
        request.body = Array("a: [".utf8)
        #expect(Answer(try await api.server.handle(request)).status == 400)
    }
}

@Suite struct ClientSideOwnershipTests {
    @Test func kubectlFindsWhatItAppliedBefore() async throws {
        let api = try await TestServer()
        let manifest: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a"],
            "spec": ["containers": [["name": "m", "image": "busybox"]]],
        ]
        var body = try #require(manifest.object)
        body["metadata"] = [
            "name": "a", "annotations": ["kubectl.kubernetes.io/last-applied-configuration": .string(manifest.text)],
        ]
        _ = try await api.send(.post, Path.pods, .object(body))
        let applied = try await api.send(
            .patch, Path.pods + "/a", manifest, query: ["fieldManager": "kubectl"],
            headers: ["Content-Type": "application/apply-patch+yaml"])
        #expect(applied.status == 200, "\(applied.message)")
        let entries = applied.json["metadata"]?["managedFields"]?.array ?? []
        let earlier = try #require(entries.first { $0["manager"] == "kubectl-client-side-apply" })
        // Fields that admission filled in belong to nobody.
        #expect(earlier["fieldsV1"]?["f:spec"]?["f:restartPolicy"] != nil)
        #expect(earlier["fieldsV1"]?["f:spec"]?["f:volumes"] == nil)
        #expect(earlier["fieldsV1"]?["f:metadata"]?["f:annotations"] != nil)
    }

    private let annotation = "kubectl.kubernetes.io/last-applied-configuration"

    private func pod(_ image: String) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "namespace": "default"],
            "spec": [
                "containers": [
                    [
                        "name": "m", "image": .string(image), "resources": ["limits": ["cpu": "1000m"]],
                        "env": [["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]]],
                    ]
                ]
            ],
        ]
    }

    private func apply(_ api: TestServer, _ object: JSONValue, as manager: String) async throws -> Answer {
        try await api.send(
            .patch, Path.pods + "/a", object, query: ["fieldManager": manager],
            headers: ["Content-Type": "application/apply-patch+yaml"])
    }

    /// As `kubectl apply` makes it.
    private func create(_ api: TestServer, _ object: JSONValue) async throws {
        var body = try #require(object.object)
        body["metadata"] = ["name": "a", "annotations": [annotation: .string(object.text)]]
        #expect(try await api.send(.post, Path.pods, .object(body)).status == 201)
    }

    @Test func theSameManifestIsSharedWhateverDefaultsAndQuantitiesWereMadeOfIt() async throws {
        let api = try await TestServer()
        try await create(api, pod("busybox"))
        for manager in ["kubectl", "other", "kubectl"] {
            let answer = try await apply(api, pod("busybox"), as: manager)
            #expect(answer.status == 200, "\(manager): \(answer.message)")
        }
    }

    @Test func kubectlMayChangeWhatItAppliedBefore() async throws {
        let api = try await TestServer()
        try await create(api, pod("busybox:1"))
        #expect(try await apply(api, pod("busybox:2"), as: "other").status == 409)
        let answer = try await apply(api, pod("busybox:2"), as: "kubectl")
        #expect(answer.status == 200, "\(answer.message)")
        let kept = try #require(answer.json["metadata"]?["annotations"]?[annotation]?.string)
        #expect(
            try JSONValue(parsing: kept) == pod("busybox:2"), "whoever goes back to client-side apply starts from it")
    }

    @Test func whatAnotherChangedSinceIsItsOwn() async throws {
        let api = try await TestServer()
        try await create(api, pod("busybox:1"))
        let edit: JSONValue = ["spec": ["containers": [["name": "m", "image": "busybox:edited"]]]]
        let edited = try await api.send(
            .patch, Path.pods + "/a", edit, query: ["fieldManager": "kubectl-edit"],
            headers: ["Content-Type": "application/strategic-merge-patch+json"])
        #expect(edited.status == 200)
        #expect(try await apply(api, pod("busybox:2"), as: "kubectl").status == 409)
    }

    /// It is no manifest of the object, and gives nobody a right to what is in one.
    @Test func aScaleLeavesTheManifestAsItIs() async throws {
        let api = try await TestServer()
        let manifest: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "default"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "m", "image": "i"]]],
                ],
            ],
        ]
        var body = try #require(manifest.object)
        body["metadata"] = ["name": "web", "annotations": [annotation: .string(manifest.text)]]
        #expect(try await api.send(.post, Path.deployments, .object(body)).status == 201)
        let scale: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web"], "spec": ["replicas": 3],
        ]
        func apply(force: Bool) async throws -> Answer {
            try await api.send(
                .patch, Path.deployments + "/web/scale", scale,
                query: ["fieldManager": "kubectl", "force": "\(force)"],
                headers: ["Content-Type": "application/apply-patch+yaml"])
        }
        #expect(try await apply(force: false).status == 409)
        #expect(try await apply(force: true).json["spec"]?["replicas"] == 3)
        let kept = try await api.get(Path.deployments + "/web").json["metadata"]?["annotations"]?[annotation]
        #expect(kept?.string == manifest.text)
    }

    @Test func textOfASecretIsOwnedAsData() async throws {
        let api = try await TestServer()
        func apply(_ text: JSONValue, as manager: String) async throws -> Answer {
            let body: JSONValue = [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"], "stringData": ["p": text],
            ]
            return try await api.send(
                .patch, "/api/v1/namespaces/default/secrets/a", body, query: ["fieldManager": manager],
                headers: ["Content-Type": "application/apply-patch+yaml"])
        }
        #expect(try await apply("q", as: "one").status == 201)
        #expect(try await apply("q", as: "two").status == 200)
        let conflict = try await apply("r", as: "two")
        #expect(conflict.status == 409 && conflict.message.contains(".data.p"), "\(conflict.message)")
        #expect(try await apply(1, as: "two").status == 400)
    }
}
