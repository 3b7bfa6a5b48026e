import APIMachinery
import HTTP
import JSONTree
import Testing

/// The core group's events in the form of events.k8s.io.
@Suite struct ReportedEventTests {
    private let older = "/api/v1/namespaces/default/events"
    private let newer = "/apis/events.k8s.io/v1/namespaces/default/events"

    private func event(_ name: String) -> JSONValue {
        [
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": .string(name)],
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "example.com/test",
            "reportingInstance": "one", "action": "Doing", "reason": "Tested", "note": "it was", "type": "Normal",
            "regarding": ["kind": "Pod", "name": .string(name), "namespace": "default"],
        ]
    }

    @Test func bothFormsShowTheSameObject() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, newer, event("a"), query: ["fieldValidation": "Strict"])
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["apiVersion"] == "events.k8s.io/v1")
        #expect(created.json["note"] == "it was" && created.json["message"] == nil)
        let core = try await api.get(older + "/a").json
        #expect(core["apiVersion"] == "v1")
        #expect(core["message"] == "it was" && core["note"] == nil)
        #expect(core["involvedObject"]?["name"] == "a" && core["reportingComponent"] == "example.com/test")
        let put = try await api.send(.put, newer + "/a", created.json)
        #expect(put.bytes == created.bytes)
        let list = try await api.get("/apis/events.k8s.io/v1/events")
        #expect(list.json["apiVersion"] == "events.k8s.io/v1" && list.json["kind"] == "EventList")
        #expect(list.json["items"]?.array == [created.json])
        #expect(try await api.send(.delete, newer + "/a").status == 200)
        #expect(try await api.get(older + "/a").status == 404)
    }

    @Test func oldEventsShowTheirFormerFields() async throws {
        let api = try await TestServer()
        let body: JSONValue = [
            "metadata": ["name": "a"], "involvedObject": ["kind": "Pod", "namespace": "default"], "count": 3,
            "source": ["component": "kubelet"], "lastTimestamp": "2026-01-01T00:00:00Z",
        ]
        #expect(try await api.send(.post, older, body).status == 201)
        let shown = try await api.get(newer + "/a").json
        #expect(shown["deprecatedCount"] == 3 && shown["deprecatedSource"]?["component"] == "kubelet")
        #expect(shown["deprecatedLastTimestamp"] == "2026-01-01T00:00:00Z" && shown["count"] == nil)
    }

    @Test func patchesAreInTheFormOfTheirPath() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, newer, event("a"))
        let series: JSONValue = ["count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"]
        let change: JSONValue = ["series": series, "note": "again"]
        let type: HTTPHeaders = ["Content-Type": "application/strategic-merge-patch+json"]
        let patched = try await api.send(.patch, newer + "/a", change, headers: type)
        #expect(patched.json["series"] == series && patched.json["note"] == "again", "\(patched.message)")
        #expect(try await api.get(older + "/a").json["message"] == "again")
        let apply: HTTPHeaders = ["Content-Type": "application/apply-patch+yaml"]
        #expect(
            try await api.send(.patch, newer + "/a", event("a"), query: ["fieldManager": "m"], headers: apply).status
                == 415)
    }

    @Test func whatTheFormDemandsOrLacksIsRefused() async throws {
        let api = try await TestServer()
        var timeless = event("a").object ?? JSONObject()
        timeless["eventTime"] = nil
        let refused = try await api.send(.post, newer, .object(timeless))
        #expect(refused.status == 422 && refused.message.contains("eventTime"), "\(refused.message)")
        var foreign = event("a").object ?? JSONObject()
        foreign["message"] = "x"
        let strict = try await api.send(.post, newer, .object(foreign), query: ["fieldValidation": "Strict"])
        #expect(strict.status == 400 && strict.message.contains("message"))
    }

    @Test func selectorsAndWatchesSpeakTheForm() async throws {
        let api = try await TestServer()
        let start = try await api.get(newer).revision
        let newerWatch = try await api.watch(
            newer, query: ["resourceVersion": start, "fieldSelector": "regarding.name=b"])
        let olderWatch = try await api.watch(older, query: ["resourceVersion": start])
        for name in ["a", "b"] { _ = try await api.send(.post, newer, event(name)) }
        let seen = try #require(try await newerWatch.event())
        #expect(seen["object"]?["metadata"]?["name"] == "b" && seen["object"]?["note"] == "it was")
        #expect(try await olderWatch.event()?["object"]?["message"] == "it was")
        #expect(try await olderWatch.event()?["object"]?["message"] == "it was")
        let selected = try await api.get(newer, query: ["fieldSelector": "reportingController=example.com/test"])
        #expect(selected.names == ["a", "b"])
        let unknown = try await api.get(newer, query: ["fieldSelector": "involvedObject.name=a"])
        #expect(unknown.status == 400)
        let gone = try await api.send(.delete, newer, query: ["fieldSelector": "regarding.name=a"])
        #expect(gone.json["items"]?.array?.first?["note"] == "it was")
        #expect(try await api.get(newer).names == ["b"])
    }

    @Test func discoveryNamesTheForm() async throws {
        let api = try await TestServer()
        let resources = try await api.get("/apis/events.k8s.io/v1").json["resources"]?.array ?? []
        #expect(resources.map { $0["name"] } == ["events"])
        let document = try await api.get("/openapi/v3/apis/events.k8s.io/v1").json
        let schemas = document["components"]?["schemas"]
        #expect(schemas?["io.k8s.api.events.v1.Event"]?["properties"]?["regarding"] != nil)
    }
}
