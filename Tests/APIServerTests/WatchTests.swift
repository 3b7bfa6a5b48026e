import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct WatchTests {
    @Test func followsChangesFromAVersion() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        let watch = try await api.watch(Path.maps, query: ["resourceVersion": start])
        _ = try await api.send(.post, Path.maps, configMap("a", ["k": "1"]))
        _ = try await api.send(.put, Path.maps + "/a", configMap("a", ["k": "2"]))
        _ = try await api.send(.delete, Path.maps + "/a")
        #expect(try await watch.next() == "ADDED a")
        #expect(try await watch.next() == "MODIFIED a")
        let deleted = try #require(try await watch.event())
        #expect(deleted["type"] == "DELETED")
        #expect(deleted["object"]?["data"]?["k"] == "2")
        #expect(
            deleted["object"]?["metadata"]?["resourceVersion"]?.string == api.latest(try await api.store.revision()))
    }

    @Test func resumesFromTheRing() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        for name in ["a", "b", "c"] { _ = try await api.send(.post, Path.maps, configMap(name)) }
        let first = try await api.watch(Path.maps, query: ["resourceVersion": start])
        #expect(try await first.next() == "ADDED a")
        let event = try #require(try await first.event())
        let seen = try #require(event["object"]?["metadata"]?["resourceVersion"]?.string)
        let second = try await api.watch(Path.maps, query: ["resourceVersion": seen])
        #expect(try await second.next() == "ADDED c")
    }

    @Test func withoutAVersionItBeginsWithWhatIsThere() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let watch = try await api.watch(Path.maps)
        #expect(try await watch.next() == "ADDED a")
        _ = try await api.send(.post, Path.maps, configMap("b"))
        #expect(try await watch.next() == "ADDED b")
    }

    @Test func anOldVersionHasExpired() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        // Another server on the same store knows nothing from before its start.
        let later = try await TestServer(store: api.store)
        let answer = try await later.get(Path.maps, query: ["watch": "1", "resourceVersion": "1"])
        #expect(answer.status == 410)
        #expect(answer.reason == "Expired")
    }

    @Test func selectorsMakeObjectsComeAndGo() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        let watch = try await api.watch(Path.maps, query: ["resourceVersion": start, "labelSelector": "app=web"])
        _ = try await api.send(.post, Path.maps, configMap("a", labels: ["app": "db"]))
        _ = try await api.send(.put, Path.maps + "/a", configMap("a", labels: ["app": "web"]))
        _ = try await api.send(.put, Path.maps + "/a", configMap("a", ["k": "1"], labels: ["app": "web"]))
        _ = try await api.send(.put, Path.maps + "/a", configMap("a", labels: ["app": "db"]))
        _ = try await api.send(.delete, Path.maps + "/a")
        _ = try await api.send(.post, Path.maps, configMap("end", labels: ["app": "web"]))
        #expect(try await watch.next() == "ADDED a")
        #expect(try await watch.next() == "MODIFIED a")
        let gone = try #require(try await watch.event())
        #expect(gone["type"] == "DELETED")
        #expect(gone["object"]?["metadata"]?["labels"]?["app"] == "web")
        #expect(try await watch.next() == "ADDED end")
    }

    @Test func fieldSelectorsSelectPodsOfANode() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("a", node: "n1"))
        _ = try await api.send(.post, Path.pods, pod("b", node: "n2"))
        let list = try await api.get("/api/v1/pods", query: ["fieldSelector": "spec.nodeName=n2"])
        #expect(list.names == ["b"])
        let named = try await api.get(Path.pods, query: ["fieldSelector": "metadata.name!=b"])
        #expect(named.names == ["a"])
        let unknown = try await api.get(Path.pods, query: ["fieldSelector": "spec.foo=n2"])
        #expect(unknown.status == 400)
        #expect(unknown.message == "field label not supported: spec.foo")
        let watch = try await api.watch("/api/v1/pods", query: ["fieldSelector": "spec.nodeName=n1"])
        #expect(try await watch.next() == "ADDED a")
    }

    @Test func bookmarksTellHowFarItHasCome() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        let watch = try await api.watch(
            Path.maps, query: ["resourceVersion": start, "allowWatchBookmarks": "true", "timeoutSeconds": "90"])
        _ = try await api.send(.post, Path.pods, pod("elsewhere"))
        let latest = try await api.get(Path.maps).revision
        try await api.tick(seconds: 61)
        let event = try #require(try await watch.event())
        #expect(event["type"] == "BOOKMARK")
        #expect(event["object"]?["kind"] == "ConfigMap")
        #expect(event["object"]?["metadata"]?["resourceVersion"]?.string == latest)
        try await api.tick(seconds: 30)
        #expect(try await watch.event()?["type"] == "BOOKMARK")
        #expect(try await watch.event() == nil)
    }

    @Test func streamsTheInitialState() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let watch = try await api.watch(
            Path.maps,
            query: [
                "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true",
            ])
        #expect(try await watch.next() == "ADDED a")
        let end = try #require(try await watch.event())
        #expect(end["type"] == "BOOKMARK")
        #expect(end["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
        _ = try await api.send(.post, Path.maps, configMap("b"))
        #expect(try await watch.next() == "ADDED b")
        #expect(try await api.get(Path.maps, query: ["watch": "1", "sendInitialEvents": "true"]).status == 422)
        #expect(try await api.get(Path.maps, query: ["watch": "yes", "sendInitialEvents": "t"]).status == 422)
    }

    @Test func aVersionNotYetSeenIsWaitedForAndThenRefused() async throws {
        let api = try await TestServer()
        let answer = Task { try await api.get(Path.maps, query: ["resourceVersion": "999999"]) }
        // The clock moves until the server, which looks at it when it begins to wait, has had enough.
        let ticking = Task {
            while !Task.isCancelled { try await api.tick(seconds: 1) }
        }
        defer { ticking.cancel() }
        let refused = try await answer.value
        #expect(refused.status == 504)
        #expect(refused.json["details"]?["causes"]?.array?.first?["reason"] == "ResourceVersionTooLarge")
        #expect(refused.response.headers["Retry-After"] == "1")
    }

    @Test func manyWatchersGetTheSameBytes() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        var watches: [Watch] = []
        for _ in 0..<20 { watches.append(try await api.watch(Path.maps, query: ["resourceVersion": start])) }
        _ = try await api.send(.post, Path.maps, configMap("a"))
        for watch in watches { #expect(try await watch.next() == "ADDED a") }
    }

    @Test func aWatchEndsWhenTheServerStops() async throws {
        let api = try await TestServer()
        let watch = try await api.watch(Path.maps, query: ["resourceVersion": try await api.get(Path.maps).revision])
        await api.server.stop()
        #expect(try await watch.next() == nil)
    }
}

extension TestServer {
    func latest(_ revision: Int64) -> String { String(revision) }

    /// Lets the server's housekeeping run for so many seconds.
    func tick(seconds: Int) async throws {
        for _ in 0..<seconds {
            try await untilItRests()
            time.advance(by: .seconds(1))
        }
        try await untilItRests()
    }
}
