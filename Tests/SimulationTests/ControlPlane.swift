import APIServer
import Client
import Controllers
import HTTP
import Logging
import Scheduler
import Synchronization

/// One life of the control plane's process: store, API server, controllers and scheduler, until it is crashed.
final class ControlPlane: Sendable {
    private struct State {
        var isServing = false
        var isDead = false
        var work: Task<Void, Never>?
        var requests: [Int: Task<Result<HTTPResponse, HTTPError>, Never>] = [:]
        var nextRequest = 0
    }

    private let world: World
    private let store: SimulatedStore
    private let server: APIServer
    private let state = Mutex(State())
    private let log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    init(world: World, disk: SimulatedDisk, delay: @escaping @Sendable () -> Duration) throws {
        self.world = world
        // Small now and then, so that overruns come about.
        let watchLimit = world.draw { $0.percent(20) ? $0.number(2...20) : 16_384 }
        store = SimulatedStore(world: world, disk: disk, watchLimit: watchLimit, delay: delay)
        server = try APIServer(
            store: store, time: world.time, random: world.randomSource(), executor: world.executor, logger: log)
    }

    var isServing: Bool { state.withLock { $0.isServing && !$0.isDead } }
    var isDead: Bool { state.withLock { $0.isDead } }

    func start() {
        let work = world.spawn { await self.run() }
        state.withLock { $0.work = work }
    }

    private func run() async {
        guard (try? await server.start()) != nil else { return await server.stop() }
        state.withLock { $0.isServing = true }
        let client = client("system:kube-controller-manager")
        let random = world.randomSource()
        let informers = ControllerInformers(client: client, time: world.time, random: random)
        let controllers = ControllerSet(
            .init(rootCertificate: "CERTIFICATE"), client: client, informers: informers, time: world.time,
            random: random, log: log)
        let scheduler = Scheduler(
            client: self.client("system:kube-scheduler"), pods: informers.pods, nodes: informers.nodes,
            time: world.time, random: random, log: log)
        await withDiscardingTaskGroup { group in
            group.addTask { await informers.run() }
            group.addTask { await controllers.run() }
            group.addTask { await scheduler.run() }
        }
        await server.stop()
    }

    private func client(_ user: String) -> APIClient {
        APIClient(handler: server, peer: .inProcess(user: user, groups: []), userAgent: user)
    }

    /// The process is gone, with all it had not synced; its connections break.
    func crash() {
        let (work, requests) = state.withLock { state in
            state.isDead = true
            return (state.work, state.requests)
        }
        store.die()
        work?.cancel()
        for id in requests.keys.sorted() { requests[id]?.cancel() }
    }

    /// A request that came over the network.
    func serve(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard isServing else { throw .connectFailed(endpoint: "server", reason: "refused") }
        let server = server
        let task = Task(executorPreference: world.executor) { () -> Result<HTTPResponse, HTTPError> in
            do throws(HTTPError) { return .success(try await server.handle(request)) } catch { return .failure(error) }
        }
        let id = state.withLock { state in
            state.nextRequest += 1
            state.requests[state.nextRequest] = task
            return state.nextRequest
        }
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { $0.requests[id] = nil }
        if isDead { throw .connectionLost(reason: "the server ended") }
        return try result.get()
    }
}
