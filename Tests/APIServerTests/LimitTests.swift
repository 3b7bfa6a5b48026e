import APIMachinery
import HTTP
import JSONTree
import Store
import Testing

@testable import APIServer

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

    @Test func componentsAndUsersDoNotKeepEachOtherOut() throws {
        let limit = InFlightLimit(reads: 1, writes: 2)
        func enter(_ isRead: Bool, _ isComponent: Bool) throws(Status) {
            try limit.enter(.init(isRead: isRead, isComponent: isComponent))
        }
        try enter(false, true)
        try enter(false, true)
        #expect(throws: Status.self) { try enter(false, true) }
        try enter(false, false)
        try enter(true, true)
        try enter(true, false)
        #expect(throws: Status.self) { try enter(true, false) }
        limit.leave(.init(isRead: false, isComponent: true))
        try enter(false, true)
    }

    @Test func componentsAreKnownByTheirNames() {
        func isComponent(_ user: String, _ groups: [String] = ["system:authenticated"]) -> Bool {
            Identity(user: user, groups: groups).isComponent
        }
        for user in ["system:kube-scheduler", "system:kube-controller-manager", "system:node:a", "system:apiserver"] {
            #expect(isComponent(user), "\(user)")
        }
        for user in ["admin", "kubernetes-admin", "system:admin", "system:serviceaccount:a:b"] {
            #expect(!isComponent(user), "\(user)")
        }
        #expect(!isComponent("system:anonymous", ["system:unauthenticated"]))
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
        try await api.tick(seconds: 610)
        let past = try await api.get(Path.maps, query: ["resourceVersion": early, "resourceVersionMatch": "Exact"])
        #expect(past.status == 410)
        #expect(try await api.get(Path.maps).names == ["a", "b"])
    }
}
