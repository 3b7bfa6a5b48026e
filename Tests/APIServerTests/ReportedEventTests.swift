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
        let change: JSONValue = ["series": series, "note": "it was"]
        let type: HTTPHeaders = ["Content-Type": "application/strategic-merge-patch+json"]
        let patched = try await api.send(.patch, newer + "/a", change, headers: type)
        #expect(patched.json["series"] == series && patched.json["note"] == "it was", "\(patched.message)")
        #expect(try await api.get(older + "/a").json["series"] == series)
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

    @Test func onlyTheSeriesChanges() async throws {
        let api = try await TestServer()
        let created = try await api.send(.post, newer, event("a"))
        let type: HTTPHeaders = ["Content-Type": "application/merge-patch+json"]
        let other: JSONValue = ["kind": "Pod", "name": "b", "namespace": "default"]
        for (field, value, name) in [
            ("regarding", other, "involvedObject"), ("reason", "Other", "reason"), ("note", "other", "message"),
            ("deprecatedCount", 3, "count"), ("deprecatedSource", ["component": "c"], "source"),
            ("type", "Warning", "type"), ("eventTime", .null, "eventTime"), ("action", "Else", "action"),
            ("eventTime", "2026-01-01T00:00:00.000001Z", "eventTime"), ("related", other, "related"),
            ("reportingInstance", "two", "reportingInstance"),
            ("reportingController", "example.com/other", "reportingController"),
            ("deprecatedLastTimestamp", "2026-01-01T00:00:00Z", "lastTimestamp"),
        ] as [(String, JSONValue, String)] {
            var whole = try #require(created.json.object)
            whole[field] = value.isNull ? nil : value
            for answer in [
                try await api.send(.patch, newer + "/a", [field: value], headers: type),
                try await api.send(.put, newer + "/a", .object(whole)),
            ] {
                #expect(answer.status == 422, "\(field): \(answer.json.text)")
                let fields = (answer.json["details"]?["causes"]?.array ?? []).compactMap { $0["field"]?.string }
                #expect(fields == [name], "\(field): \(answer.message)")
            }
        }
        let once: JSONValue = ["series": ["count": 1, "lastObservedTime": "2026-01-01T00:00:01.000000Z"]]
        #expect(try await api.send(.patch, newer + "/a", once, headers: type).message.contains("should be at least 2"))
        let timeless = try await api.send(.patch, newer + "/a", ["series": ["count": 2]], headers: type)
        #expect(timeless.status == 422 && timeless.message.contains("series.lastObservedTime: Required value"))
        let labelled: JSONValue = ["metadata": ["labels": ["k": "v"]]]
        #expect(try await api.send(.patch, newer + "/a", labelled, headers: type).status == 200)
        // The older form has always let more change.
        #expect(try await api.send(.patch, older + "/a", ["message": "other"], headers: type).status == 200)
    }

    @Test func formerFieldsAreNotForNewEvents() async throws {
        let api = try await TestServer()
        for (field, value, why) in [
            ("type", "Bad", "type: Invalid value: \"\": has invalid value: Bad"),
            ("deprecatedCount", 1, "count: Invalid value: \"\": needs to be unset"),
            ("deprecatedSource", ["host": "n"], "source: Invalid value: \"\": needs to be unset"),
            ("deprecatedFirstTimestamp", "2026-01-01T00:00:00Z", "firstTimestamp: Invalid value"),
        ] as [(String, JSONValue, String)] {
            var body = event("a").object ?? JSONObject()
            body[field] = value
            let answer = try await api.send(.post, newer, .object(body))
            #expect(answer.status == 422 && answer.message.contains(why), "\(answer.message)")
        }
        #expect(try await api.send(.post, newer, event("A_b")).message.contains("metadata.name"))
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
