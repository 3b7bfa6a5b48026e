import APIMachinery
import APIServer
import Client
import Controllers
import HTTP
import JSONTree
import KubernetesAPI
import PKI
import Scheduler
import Store
import Synchronization
import Testing

/// How many pods were made or deleted at a time.
final class Traffic: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var mostWrites: Int { counts.withLock { $0.most } }

    func counted(_ server: APIServer) -> any HTTPHandler { CountedServer(server: server, traffic: self) }

    fileprivate func begin() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    fileprivate func end() { counts.withLock { $0.now -= 1 } }
}

/// How often a state was looked at that is not there yet.
private final class Looks: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
}

/// A server whose writes take a few turns of the other tasks.
private struct CountedServer: HTTPHandler {
    let server: APIServer
    let traffic: Traffic

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard request.path.contains("/pods"), request.method == .post || request.method == .delete else {
            return try await server.handle(request)
        }
        traffic.begin()
        defer { traffic.end() }
        // More where few are under way: on a busy machine the others of the same batch may come late.
        for turn in 0..<5_000 where turn < 100 || traffic.mostWrites < 16 { await Task.yield() }
        return try await server.handle(request)
    }
}

/// A control plane in this process over a store in memory, with nodes that only say that they run what they are given.
struct TestCluster: Sendable {
    /// The controllers', too.
    let client: APIClient
    /// Asks the server itself, whatever handler `client` has.
    let direct: APIClient
    let informers: ControllerInformers
    let server: APIServer
    private let controllers: ControllerSet
    private let scheduler: Scheduler

    init(
        nodeGrace: Duration, nodeQuarantine: Duration = .seconds(40), podNetworks: PodNetworks?,
        handler: (APIServer) -> any HTTPHandler = { $0 }
    ) async throws {
        let tokens = try ServiceAccountTokens(
            keyPEM: ServiceAccountTokens.makeKeyPEM(), issuer: "https://test", object: "test")
        server = try APIServer(store: MemoryStore(), tokens: tokens)
        try await server.start()
        let admin = Peer.inProcess(user: "admin", groups: ["system:masters"])
        client = APIClient(handler: handler(server), peer: admin, userAgent: "test")
        direct = APIClient(handler: server, peer: admin, userAgent: "test")
        informers = ControllerInformers(client: client, time: SystemTime())
        controllers = ControllerSet(
            .init(
                rootCertificate: "CERTIFICATE",
                tokenSigner: TokenSigner(tokens, audiences: APIServerConfiguration().audiences), nodeGrace: nodeGrace,
                nodeQuarantine: nodeQuarantine,
                podNetworks: podNetworks), client: client, informers: informers, time: SystemTime())
        scheduler = Scheduler(
            client: client, pods: informers.pods, nodes: informers.nodes, time: SystemTime())
    }

    /// Runs the cluster while `body` runs, for a quarter of an hour at most: all tests begin at once, and share the processors. Its nodes are heard of
    /// once, so that they live no longer than `nodeGrace`. `prepare` runs before it, and
    /// `handler` stands between `client` and the server.
    static func run(
        nodeGrace: Duration = .seconds(3_600), nodeQuarantine: Duration = .seconds(40),
        podNetworks: PodNetworks? = nil, handler: (APIServer) -> any HTTPHandler = { $0 },
        prepare: (APIClient) async throws -> Void = { _ in },
        _ body: @escaping @Sendable (TestCluster) async throws -> Void
    ) async throws {
        let cluster = try await TestCluster(
            nodeGrace: nodeGrace, nodeQuarantine: nodeQuarantine, podNetworks: podNetworks, handler: handler)
        try await prepare(cluster.client)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                await cluster.informers.run()
                return false
            }
            group.addTask {
                await cluster.controllers.run()
                return false
            }
            group.addTask {
                await cluster.scheduler.run()
                return false
            }
            group.addTask {
                await cluster.actAsNodes()
                return false
            }
            group.addTask {
                try await body(cluster)
                return true
            }
            group.addTask {
                try await Task.sleep(for: .seconds(900))
                Issue.record("the cluster did not come to rest")
                return true
            }
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
    }

    func addNode(_ name: String, cpu: Int64 = 4) async throws {
        var node = Node(name: name)
        node = try await client.create(node)
        node.status.allocatable = ["cpu": Quantity(cpu), "memory": Quantity(8 << 30), "pods": 110]
        node.status.conditions = [
            NodeCondition {
                $0.type = "Ready"
                $0.status = "True"
                $0.lastHeartbeatTime = SystemTime().now().truncatedToSeconds
            }
        ]
        _ = try await client.modify(Node.self, name, subresource: "status") { $0.status = node.status }
    }

    /// How long nothing may change in what is waited for.
    private static let patience = Duration.seconds(300)

    /// Returns once `condition` holds, looked at after every change of that informer. Throws what was seen instead where none came any more.
    func until<Object: APIObject>(
        _ informer: Informer<Object>, _ condition: @escaping @Sendable ([Object]) -> Bool
    ) async throws {
        let changes = informer.subscribe()
        let looks = Looks()
        let isLate = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in changes {
                    if condition(informer.list()) { return false }
                    looks.add()
                }
                return true
            }
            group.addTask {
                var before = -1
                while looks.count != before {
                    before = looks.count
                    try? await Task.sleep(for: Self.patience)
                }
                return true
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
        if isLate {
            throw Unmet(
                kind: Object.kind.plural,
                seen: informer.list().map { String(decoding: $0.json.encoded(), as: UTF8.self) })
        }
    }

    /// A state that the cluster did not come to.
    struct Unmet: Error, CustomStringConvertible {
        let kind: String
        let seen: [String]

        var description: String {
            "the \(kind) are not as awaited, and have not changed for \(TestCluster.patience); there are \(seen.count):\n\(seen.joined(separator: "\n"))"
        }
    }

    private func actAsNodes() async {
        for await event in informers.pods.subscribe() {
            switch event {
            case .added(let pod), .updated(_, let pod): await act(on: pod)
            case .deleted, .synced: break
            }
        }
    }

    private func act(on pod: Pod) async {
        guard let node = pod.spec.nodeName, !node.isEmpty else { return }
        if pod.metadata.deletionTimestamp != nil {
            await insist { () async throws(Status) in
                try await client.delete(
                    Pod.self, pod.metadata.name, in: pod.metadata.namespace,
                    options: DeleteOptions { $0.gracePeriodSeconds = 0 })
            }
        } else if pod.status.phase == "Pending" {
            let condition: JSONValue = ["type": "Ready", "status": "True"]
            let number = pod.metadata.uid.utf8.reduce(0) { ($0 + Int($1)) % 250 } + 1
            let status: JSONValue = [
                "phase": "Running", "podIP": .string("10.1.0.\(number)"),
                "podIPs": [["ip": .string("10.1.0.\(number)")]], "conditions": [condition],
            ]
            await insist { () async throws(Status) in
                let _: Pod = try await client.patch(
                    Pod.self, pod.metadata.name, in: pod.metadata.namespace, subresource: "status", .strategicMerge,
                    ["status": status])
            }
        }
    }

    /// As a kubelet does: again where it fails, unless the pod is gone.
    private func insist(_ call: () async throws(Status) -> Void) async {
        var failures: [Status] = []
        for _ in 0..<100 {
            do throws(Status) { return try await call() } catch {
                if error.isReason(.notFound) || Task.isCancelled { return }
                failures.append(error)
            }
        }
        Issue.record("a node gave up: \(failures[0].message)")
    }
}
