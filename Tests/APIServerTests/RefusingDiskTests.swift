import APIMachinery
import APIServer
import HTTP
import JSONTree
import KubernetesAPI
import Store
import Synchronization
import TestSupport
import Testing

/// A store whose disk takes nothing while the test says so.
final class RefusingStore: KeyValueStore {
    private let base = MemoryStore()
    private let cause = Mutex<DiskRefusal?>(nil)
    private let gate = Mutex<[CheckedContinuation<Void, Never>]?>(nil)

    func refuse(_ new: DiskRefusal?) { cause.withLock { $0 = new } }

    /// How many writes it holds.
    var held: Int { gate.withLock { $0?.count ?? 0 } }

    /// Holds writes until `release`.
    func hold() { gate.withLock { $0 = [] } }

    func release() {
        let waiting = gate.withLock { gate in
            defer { gate = nil }
            return gate ?? []
        }
        for continuation in waiting { continuation.resume() }
    }

    func write(_ write: Write) async throws(StoreError) -> Revision {
        await withCheckedContinuation { continuation in
            let isHeld = gate.withLock { gate in
                gate?.append(continuation)
                return gate != nil
            }
            if !isHeld { continuation.resume() }
        }
        if let cause = cause.withLock({ $0 }) { throw .refused(cause, directory: "/data/store") }
        return try await base.write(write)
    }

    func revision() async throws(StoreError) -> Revision { try await base.revision() }
    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        try await base.get(key, at: revision)
    }
    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        try await base.list(prefix: prefix, at: revision, from: start, limit: limit)
    }
    func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        try await base.watch(prefix: prefix, after: revision)
    }
    func compact(to revision: Revision) async throws(StoreError) { try await base.compact(to: revision) }
    func close() async { await base.close() }
}

@Suite struct RefusingDiskTests {
    private static let nodes = "/api/v1/nodes"
    private static let services = "/api/v1/namespaces/default/services"
    private static let service: JSONValue = [
        "apiVersion": "v1", "kind": "Service", "metadata": ["name": "s"],
        "spec": ["type": "NodePort", "ports": [["port": 80, "nodePort": 30_080]]],
    ]
    private static let ownNode = Peer.inProcess(user: "system:node:n", groups: ["system:nodes"])

    private func node(_ condition: String) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"],
            "status": ["conditions": [["type": "DataDiskFull", "status": .string(condition)]]],
        ]
    }

    private func condition(_ node: JSONValue) -> String? {
        node["status"]?["conditions"]?.array?.first?["status"]?.string
    }

    /// Reads go on, writes say why not, and what the node says of it is seen although it cannot be kept.
    @Test(arguments: [(DiskRefusal.full, 507, "full"), (.readOnly, 500, "read-only")])
    func whatTheNodeSaysOfADiskThatTakesNothing(_ cause: DiskRefusal, _ code: Int, _ words: String) async throws {
        let store = RefusingStore()
        let test = try await TestServer(store: store)
        _ = try await test.send(.post, Self.nodes, node("False"))
        store.refuse(cause)
        let refused = try await test.send(.post, Path.maps, configMap("a"))
        #expect(refused.status == code && refused.message.contains(words) && refused.message.contains("/data/store"))
        // The second of the same is no success either: it is not kept.
        for _ in 0..<2 {
            let status = try await test.send(.put, Self.nodes + "/n/status", node("True"), peer: Self.ownNode)
            #expect(status.status == code)
            #expect(condition(try await test.get(Self.nodes + "/n").json) == "True")
        }
        let list = try await test.get(Self.nodes).json
        #expect(list["items"]?.array?.first.flatMap(condition) == "True")
        // All but the node's own word of its status stays what the store has.
        #expect(try await test.send(.put, Self.nodes + "/n/status", node("Unknown")).status == code)
        #expect(condition(try await test.get(Self.nodes + "/n").json) == "True")
        #expect(try await test.send(.put, Self.nodes + "/n", node("True")).status == code)
        store.refuse(nil)
        let watch = try await test.watch(
            Self.nodes, query: ["resourceVersion": try await test.get(Self.nodes).revision])
        #expect(try await test.send(.put, Self.nodes + "/n/status", node("True")).status == 200)
        #expect(condition(try #require(try await watch.event())["object"] ?? .null) == "True")
        watch.cancel()
        #expect(try await test.send(.post, Path.maps, configMap("a")).status == 201)
        await test.server.stop()
    }

    private func status(_ test: TestServer, _ value: String) -> Task<Int, any Error> {
        Task { try await test.send(.put, Self.nodes + "/n/status", node(value), peer: Self.ownNode).status }
    }

    private func shows(_ test: TestServer, _ value: String) async throws -> Bool {
        condition(try await test.get(Self.nodes + "/n").json) == value
    }

    /// A status is shown while its write hangs.
    @Test func whatTheNodeSaysOfADiskThatStalls() async throws {
        let store = RefusingStore()
        let test = try await TestServer(store: store)
        _ = try await test.send(.post, Self.nodes, node("False"))
        store.hold()
        let before = test.time.sleeperCount
        let write = status(test, "True")
        try await until { test.time.sleeperCount != before }
        #expect(try await shows(test, "False"))
        test.time.advance(by: .seconds(2))
        try await until { try await shows(test, "True") }
        store.release()
        #expect(try await write.value == 200)
        #expect(try await shows(test, "True"))
        await test.server.stop()
    }

    /// What the node says next is not held up for ever by what it said last.
    @Test func aStatusIsShownWhileAnEarlierOneHangs() async throws {
        let store = RefusingStore()
        let test = try await TestServer(store: store)
        _ = try await test.send(.post, Self.nodes, node("False"))
        store.hold()
        let first = status(test, "Unknown")
        try await until { store.held > 0 }
        try await test.tick(seconds: 14)
        #expect(try await first.value == 504)
        #expect(try await shows(test, "Unknown"))
        let second = status(test, "True")
        try await until { store.held > 1 }
        try await test.tick(seconds: 14)
        #expect(try await second.value == 504)
        #expect(try await shows(test, "True"))
        store.release()
        await test.server.stop()
    }

    /// A request does not wait for ever, its write may still be done, and further ones are refused until it is.
    @Test func writesOfADiskThatStalls() async throws {
        let store = RefusingStore()
        var configuration = APIServerConfiguration()
        configuration.storeDirectory = "/data/store"
        let test = try await TestServer(configuration, store: store)
        store.hold()
        let write = Task { try await test.send(.post, Path.maps, configMap("a")) }
        try await until { store.held > 0 }
        #expect(try await test.get("/readyz").status == 200)
        try await test.tick(seconds: 31)
        let answer = try await write.value
        #expect(answer.status == 504 && answer.message.contains("/data/store") && answer.message.contains("may still"))
        let refused = try await test.send(.post, Path.maps, configMap("b"))
        #expect(refused.status == 503 && refused.message.contains("nothing was written") && store.held == 1)
        #expect(try await test.send(.post, Self.services, Self.service).status == 503)
        let health = try await test.get("/readyz")
        #expect(health.status == 503)
        #expect(String(decoding: health.bytes, as: UTF8.self).contains("[-]data-disk failed: the disk of the server's"))
        let stranger = String(decoding: try await test.get("/readyz", peer: .anonymous).bytes, as: UTF8.self)
        #expect(stranger.contains("[-]data-disk failed: reason withheld") && !stranger.contains("/data/store"))
        #expect(try await test.get("/livez").status == 200)
        store.release()
        try await until { try await test.get("/readyz").status == 200 }
        #expect(try await test.send(.post, Path.maps, configMap("b")).status == 201)
        // What was not written has taken no port.
        #expect(try await test.send(.post, Self.services, Self.service).status == 201)
        #expect(try await test.get(Path.maps + "/a").status == 200)
        await test.server.stop()
    }
}
