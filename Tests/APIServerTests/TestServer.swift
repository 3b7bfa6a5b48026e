import APIMachinery
import APIServer
import HTTP
import JSONTree
import KubernetesAPI
import PKI
import Store
import TestSupport
import Testing

/// An API server over a store in memory, with a clock that stands still, and short ways to ask it.
struct TestServer: Sendable {
    let server: APIServer
    let store: any KeyValueStore
    let time: StillTime

    init(
        _ configuration: APIServerConfiguration = .init(), store: any KeyValueStore = MemoryStore(),
        nodes: any NodeProxy = NoNodes(),
        tokens: ServiceAccountTokens? = nil
    ) async throws {
        self.store = store
        time = StillTime()
        server = try APIServer(configuration, store: store, tokens: tokens, nodes: nodes, time: time)
        try await server.start()
        try await untilItRests()
    }

    /// Until the server's housekeeping, which is two loops, waits for the clock to move.
    func untilItRests() async throws { try await until { time.sleeperCount >= 2 } }

    static let admin = Peer.inProcess(user: "admin", groups: ["system:masters"])

    func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, query: [String: String] = [:],
        headers: HTTPHeaders = [:], peer: Peer = admin
    ) async throws -> Answer {
        let items = query.sorted { $0.key < $1.key }.map { QueryItem($0.key, $0.value) }
        let request = HTTPRequest(
            method, path, query: items, headers: headers, body: body?.encoded() ?? [], peer: peer)
        return Answer(try await server.handle(request))
    }

    func get(_ path: String, query: [String: String] = [:], headers: HTTPHeaders = [:], peer: Peer = admin) async throws
        -> Answer
    {
        try await send(.get, path, query: query, headers: headers, peer: peer)
    }

    func watch(_ path: String, query: [String: String] = [:], headers: HTTPHeaders = [:]) async throws -> Watch {
        var query = query
        query["watch"] = "true"
        let answer = try await send(.get, path, query: query, headers: headers)
        guard case .stream(let stream) = answer.response.body else {
            throw Failure("no stream: \(answer.status) \(answer.json.text)")
        }
        return Watch(stream)
    }

    struct Failure: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}

/// What came back.
struct Answer: Sendable {
    let response: HTTPResponse

    init(_ response: HTTPResponse) {
        self.response = response
    }

    var status: Int { response.status }

    var bytes: [UInt8] {
        guard case .parts(let parts) = response.body else { return [] }
        return parts.flatMap { $0 }
    }

    var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
    var message: String { json["message"]?.string ?? "" }
    var reason: String { json["reason"]?.string ?? "" }
    var name: String { json["metadata"]?["name"]?.string ?? "" }
    var revision: String { json["metadata"]?["resourceVersion"]?.string ?? "" }
    var names: [String] { (json["items"]?.array ?? []).compactMap { $0["metadata"]?["name"]?.string } }
}

/// A running watch, read event by event.
final class Watch {
    private let stream: ByteStream
    private var waiting: [JSONValue] = []

    init(_ stream: ByteStream) {
        self.stream = stream
    }

    /// The next event as `TYPE name`, nil at the end.
    func next() async throws -> String? {
        try await event().map { "\($0["type"]?.string ?? "") \($0["object"]?["metadata"]?["name"]?.string ?? "")" }
    }

    func event() async throws -> JSONValue? {
        while waiting.isEmpty {
            guard let chunk = try await stream.next() else { return nil }
            waiting = try chunk.split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: Array($0)) }
        }
        return waiting.removeFirst()
    }

    func cancel() { stream.cancel() }
}

func pod(_ name: String, labels: [String: String] = [:], node: String? = nil) -> JSONValue {
    var spec: JSONObject = ["containers": [["name": "main", "image": "busybox"]]]
    if let node { spec["nodeName"] = .string(node) }
    return [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": labels.json],
        "spec": .object(spec),
    ]
}

func configMap(_ name: String, _ data: [String: String] = [:], labels: [String: String] = [:]) -> JSONValue {
    [
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "labels": labels.json],
        "data": data.json,
    ]
}

/// Where the tests' ConfigMaps and Pods live.
enum Path {
    static let maps = "/api/v1/namespaces/default/configmaps"
    static let pods = "/api/v1/namespaces/default/pods"
    static let services = "/api/v1/namespaces/default/services"
    static let deployments = "/apis/apps/v1/namespaces/default/deployments"
}
