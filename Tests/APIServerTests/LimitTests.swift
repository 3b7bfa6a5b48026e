import APIMachinery
import APIServer
import HTTP
import JSONTree
import Store
import Testing

@Suite struct LimitTests {
    @Test func oneRequestTooManyIsRefused() async throws {
        var configuration = APIServerConfiguration()
        configuration.limits.writesInFlight = 0
        let api = try await TestServer(configuration)
        let refused = try await api.send(.post, Path.maps, configMap("a"))
        #expect(refused.status == 429)
        #expect(refused.response.headers["Retry-After"] == "1")
        #expect(try await api.get(Path.maps).status == 200)
    }

    @Test func bodiesAndObjectsHaveASize() async throws {
        var configuration = APIServerConfiguration()
        configuration.limits.bodyBytes = 3000
        configuration.limits.objectBytes = 2000
        let api = try await TestServer(configuration)
        let large = String(repeating: "x", count: 2500)
        #expect(try await api.send(.post, Path.maps, configMap("a", ["k": large])).status == 413)
        #expect(try await api.send(.post, Path.maps, configMap("a", ["k": large + large])).status == 413)
        #expect(try await api.send(.post, Path.maps, configMap("a", ["k": "v"])).status == 201)
    }

    @Test func aWatcherThatDoesNotReadIsCut() async throws {
        let api = try await TestServer()
        let start = try await api.get(Path.maps).revision
        let idle = try await api.watch(Path.maps, query: ["resourceVersion": start])
        for index in 0..<1100 { _ = try await api.send(.post, Path.maps, configMap("m\(index)")) }
        #expect(try await idle.next() == nil)
        // It comes back with the version it had, and misses nothing.
        let again = try await api.watch(Path.maps, query: ["resourceVersion": start])
        #expect(try await again.next() == "ADDED m0")
    }

    @Test func theStoreForgetsThePast() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let early = try await api.get(Path.maps).revision
        _ = try await api.send(.post, Path.maps, configMap("b"))
        await api.tick(seconds: 610)
        let past = try await api.get(Path.maps, query: ["resourceVersion": early, "resourceVersionMatch": "Exact"])
        #expect(past.status == 410)
        #expect(try await api.get(Path.maps).names == ["a", "b"])
    }
}
