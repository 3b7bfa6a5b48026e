import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct ObjectVerbTests {
    @Test func createsAndGets() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a", ["k": "v"]))
        #expect(created.status == 201)
        #expect(created.json["metadata"]?["uid"]?.string?.utf8.count == 36)
        #expect(created.json["metadata"]?["creationTimestamp"] == "2026-01-01T00:00:00Z")
        let got = try await api.get(Path.maps + "/a")
        #expect(got.status == 200)
        #expect(got.bytes == created.bytes)
        #expect(got.json["data"]?["k"] == "v")
    }

    @Test func refusesASecondOfTheSameName() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let again = try await api.send(.post, Path.maps, configMap("a"))
        #expect(again.status == 409)
        #expect(again.reason == "AlreadyExists")
        #expect(again.message == "configmaps \"a\" already exists")
    }

    @Test func generatesNames() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["generateName": "web-"]]
        let first = try await api.send(.post, Path.maps, body)
        let second = try await api.send(.post, Path.maps, body)
        #expect(first.name.hasPrefix("web-") && first.name.utf8.count == 9)
        #expect(first.name != second.name)
    }

    @Test func namesWhatIsMissing() async throws {
        let api = try await TestServer()
        let answer = try await api.get(Path.maps + "/none")
        #expect(answer.status == 404)
        #expect(answer.message == "configmaps \"none\" not found")
        #expect(
            try await api.get("/apis/apps/v1/namespaces/default/deployments/x").message
                == "deployments.apps \"x\" not found")
        #expect(try await api.get("/api/v1/unknowns").status == 404)
    }

    @Test func refusesANamespaceThatIsMissing() async throws {
        let api = try await TestServer()
        let answer = try await api.send(.post, "/api/v1/namespaces/nowhere/configmaps", configMap("a"))
        #expect(answer.status == 404)
        #expect(answer.message == "namespaces \"nowhere\" not found")
    }

    @Test func listsEveryFaultOfAnInvalidObject() async throws {
        let api = try await TestServer()
        let answer = try await api.send(
            .post, Path.pods, ["metadata": ["name": "Bad_Name"], "spec": ["containers": []]])
        #expect(answer.status == 422)
        #expect(answer.reason == "Invalid")
        let fields = (answer.json["details"]?["causes"]?.array ?? []).compactMap { $0["field"]?.string }
        #expect(fields.contains("metadata.name"))
        #expect(fields.contains("spec.containers"))
    }

    @Test func wrongTypesAreBadRequests() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["name": "a"], "spec": ["containers": [["name": "m", "image": 3]]]]
        let answer = try await api.send(.post, Path.pods, body)
        #expect(answer.status == 400)
        #expect(answer.message.contains("spec.containers[0].image"))
    }

    @Test func fieldValidationIgnoresWarnsOrRefuses() async throws {
        let api = try await TestServer()
        let body: JSONValue = ["metadata": ["name": "a"], "datta": ["k": "v"]]
        let strict = try await api.send(.post, Path.maps, body, query: ["fieldValidation": "Strict"])
        #expect(strict.status == 400)
        #expect(strict.message.contains("strict decoding error: unknown field \"datta\""))
        let warned = try await api.send(.post, Path.maps, body, query: ["dryRun": "All"])
        #expect(warned.status == 201)
        #expect(warned.response.headers["Warning"] == "299 - \"unknown field \\\"datta\\\"\"")
        let ignored = try await api.send(.post, Path.maps, body, query: ["fieldValidation": "Ignore"])
        #expect(ignored.status == 201)
        #expect(ignored.response.headers["Warning"] == nil)
        #expect(ignored.json["datta"] == nil)
    }

    @Test func dryRunWritesNothing() async throws {
        let api = try await TestServer()
        let answer = try await api.send(.post, Path.maps, configMap("a"), query: ["dryRun": "All"])
        #expect(answer.status == 201)
        #expect(try await api.get(Path.maps + "/a").status == 404)
    }

    @Test func updatesAreGuardedByTheVersion() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a", ["k": "1"]))
        var body = try #require(created.json.object)
        body["data"] = ["k": "2"]
        let updated = try await api.send(.put, Path.maps + "/a", .object(body))
        #expect(updated.status == 200)
        #expect(updated.revision != created.revision)
        let stale = try await api.send(.put, Path.maps + "/a", .object(body))
        #expect(stale.status == 409)
        #expect(stale.reason == "Conflict")
        #expect(stale.message.contains("the object has been modified"))
        body["metadata"] = ["name": "a"]
        body["data"] = ["k": "3"]
        #expect(try await api.send(.put, Path.maps + "/a", .object(body)).json["data"]?["k"] == "3")
    }

    @Test func anUpdateThatChangesNothingIsNotWritten() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a", ["k": "1"]))
        let same = try await api.send(.put, Path.maps + "/a", created.json)
        #expect(same.revision == created.revision)
    }

    @Test func statusAndSpecAreWrittenApart() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.deployments, deployment("web"))
        #expect(created.status == 201, "\(created.json.text)")
        #expect(created.json["metadata"]?["generation"] == 1)
        var body = try #require(created.json.object)
        body["status"] = ["replicas": 7]
        let updated = try await api.send(.put, Path.deployments + "/web", .object(body))
        #expect(updated.json["status"]?["replicas"] == nil)
        body["spec"] = .object(JSONObject([("replicas", 5)]))
        var changed = try #require(created.json.object)
        changed["spec"] = created.json["spec"].map { spec in
            var spec = spec.object ?? JSONObject()
            spec["replicas"] = 9
            return .object(spec)
        }
        changed["status"] = ["replicas": 7]
        let status = try await api.send(.put, Path.deployments + "/web/status", .object(changed))
        #expect(status.status == 200, "\(status.json.text)")
        #expect(status.json["status"]?["replicas"] == 7)
        #expect(status.json["spec"]?["replicas"] == 1)
        #expect(status.json["metadata"]?["generation"] == 1)
        changed["metadata"] = status.json["metadata"]
        let scaled = try await api.send(.put, Path.deployments + "/web", .object(changed))
        #expect(scaled.json["metadata"]?["generation"] == 2)
        #expect(scaled.json["status"]?["replicas"] == 7)
    }

    @Test func deletes() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, Path.maps, configMap("a"))
        let deleted = try await api.send(.delete, Path.maps + "/a")
        #expect(deleted.status == 200)
        #expect(deleted.json["status"] == "Success")
        #expect(deleted.json["details"]?["uid"] == created.json["metadata"]?["uid"])
        #expect(try await api.get(Path.maps + "/a").status == 404)
        #expect(try await api.send(.delete, Path.maps + "/a").status == 404)
    }

    @Test func deletionPreconditions() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let answer = try await api.send(.delete, Path.maps + "/a", ["preconditions": ["uid": "other"]])
        #expect(answer.status == 409)
        #expect(try await api.get(Path.maps + "/a").status == 200)
    }

    @Test func namespacesAreDeletedOneByOne() async throws {
        let api = try await TestServer()
        #expect(try await api.send(.delete, "/api/v1/namespaces").status == 405)
        #expect(try await api.get("/api/v1/namespaces/default").json["metadata"]?["deletionTimestamp"] == nil)
        let core = try await api.get("/api/v1").json["resources"]?.array ?? []
        for (name, isServed) in [("namespaces", false), ("pods", true)] {
            let verbs = core.first { $0["name"] == .string(name) }?["verbs"]?.array ?? []
            #expect(verbs.contains("delete") && verbs.contains("deletecollection") == isServed)
        }
    }

    @Test func aNewObjectHasNoVersionYet() async throws {
        let api = try await TestServer()
        let refused = try await api.send(.post, Path.maps, ["metadata": ["name": "a", "resourceVersion": "7"]])
        #expect(refused.status == 400)
        #expect(refused.message == "resourceVersion should not be set on objects to be created")
        let made = try await api.send(.post, Path.maps, ["metadata": ["name": "a", "resourceVersion": "0"]])
        #expect(made.status == 201)
    }

    @Test func nobodyWouldLetAnEventGoThatIsHeldForItsDependents() async throws {
        let api = try await TestServer()
        let events = "/api/v1/namespaces/default/events"
        let event: JSONValue = ["metadata": ["name": "a"], "involvedObject": ["namespace": "default"]]
        #expect(try await api.send(.post, events, event).status == 201)
        #expect(try await api.send(.delete, events + "/a", ["propagationPolicy": "Foreground"]).status == 200)
        #expect(try await api.get(events + "/a").status == 404)
    }

    @Test func finalizersHoldADeletedObject() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let marked = try await api.send(.delete, Path.maps + "/a", ["propagationPolicy": "Foreground"])
        #expect(marked.json["metadata"]?["finalizers"] == ["foregroundDeletion"])
        var body = try #require(marked.json.object)
        #expect(body["metadata"]?["deletionTimestamp"] != nil)
        var metadata = try #require(body["metadata"]?.object)
        metadata["finalizers"] = nil
        body["metadata"] = .object(metadata)
        #expect(try await api.send(.put, Path.maps + "/a", .object(body)).status == 200)
        #expect(try await api.get(Path.maps + "/a").status == 404)
    }

    @Test func podsGoAfterTheirGracePeriod() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("free"))
        _ = try await api.send(.delete, Path.pods + "/free")
        #expect(try await api.get(Path.pods + "/free").status == 404)

        _ = try await api.send(.post, Path.pods, pod("bound", node: "n1"))
        let marked = try await api.send(.delete, Path.pods + "/bound")
        #expect(marked.json["metadata"]?["deletionGracePeriodSeconds"] == 30)
        #expect(marked.json["metadata"]?["deletionTimestamp"] == "2026-01-01T00:00:30Z")
        let shorter = try await api.send(.delete, Path.pods + "/bound", ["gracePeriodSeconds": 5])
        #expect(shorter.json["metadata"]?["deletionTimestamp"] == "2026-01-01T00:00:05Z")
        let longer = try await api.send(.delete, Path.pods + "/bound", ["gracePeriodSeconds": 60])
        #expect(longer.json["metadata"]?["deletionTimestamp"] == "2026-01-01T00:00:05Z")
        _ = try await api.send(.delete, Path.pods + "/bound", ["gracePeriodSeconds": 0])
        #expect(try await api.get(Path.pods + "/bound").status == 404)
    }

    @Test func deletesCollections() async throws {
        let api = try await TestServer()
        for index in 0..<30 {
            _ = try await api.send(
                .post, Path.maps, configMap("m\(index)", labels: ["odd": index % 2 == 1 ? "yes" : "no"]))
        }
        let answer = try await api.send(.delete, Path.maps, query: ["labelSelector": "odd=yes"])
        #expect(answer.names.count == 15)
        #expect(try await api.get(Path.maps).names.count == 15)
    }
}

func deployment(_ name: String) -> JSONValue {
    [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
        "spec": [
            "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "main", "image": "busybox"]]],
            ],
        ],
    ]
}
