import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree
import Kubelet
import Streaming

/// What the node's own command line asks, over the node's socket: what runs here, the images, logs and sessions. It answers with the API
/// server down. Root only, by the socket's mode and by the peer's credentials.
struct NodeEndpoint: HTTPHandler {
    let runtime: NodeRuntime
    let images: ImageStore
    let sessions: RunEndpoint
    let events: EventFeed
    let kubelet: any HTTPHandler
    /// The API server and what is beside it; nil on an agent.
    let server: (any HTTPHandler)?
    let certificates: CertificateRenewal
    /// What is wrong with the machine.
    let host: HostWatch
    /// Ends the pods in order; those that are left, nil where it is under way already.
    let shutDown: @Sendable () async -> [String]?
    /// The uids of the pods that the kubelet has to do with; nil until it has heard of all.
    let knownPods: @Sendable () -> Set<String>?

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard case .local(let user, _) = request.peer, user == 0 else {
            return HTTPResponse(.forbidden(ResourceName("node"), "", "only root may ask this node's agent"))
        }
        do throws(Status) {
            switch (request.method, request.path) {
            case (_, let path) where path == "/v1/images" || path.hasPrefix("/v1/images/"):
                return try await ImageEndpoint(images: images).handle(request)
            case (.get, "/v1/sandboxes"): return HTTPResponse(try await sandboxList())
            case (.get, "/v1/containers"): return HTTPResponse(try await containerList())
            case (_, let path) where RunEndpoint.serves(path): return try await sessions.answer(request)
            case (.get, "/v1/events"): return try events.answer(request)
            case (.get, "/v1/certificates"): return HTTPResponse(.array(certificates.certificates.map(\.json)))
            case (.post, "/v1/certificates"): return HTTPResponse(try await renewCertificates(request))
            case (.post, "/v1/shutdown"): return HTTPResponse(try await shutdown())
            case (.get, "/v1/books"): return HTTPResponse(await books())
            case (.post, "/v1/mend"): return HTTPResponse(try await mend(request))
            case (_, let path) where Self.isServers(path):
                guard let server else {
                    throw Status(.notFound, code: 404, "this machine is an agent; ask on its server")
                }
                return try await server.handleChecked(request)
            default: return try await kubelet.handleChecked(request)
            }
        } catch {
            return HTTPResponse(error)
        }
    }

    private func shutdown() async throws(Status) -> JSONValue {
        guard let left = await shutDown() else { throw .badRequest("the pods of this node are ending already") }
        return ["left": .array(left.map { .string($0) })]
    }

    /// Those named; all where none is.
    private func renewCertificates(_ request: HTTPRequest) async throws(Status) -> JSONValue {
        var names = Set(request.query.filter { $0.name == "name" }.map(\.value))
        if names.isEmpty {
            names = Set(certificates.certificates.filter { $0.purpose != .authority }.map(\.name))
        }
        do throws(DaemonError) {
            return .array(try await certificates.renew(names).map { .string($0) })
        } catch {
            throw .badRequest(error.description)
        }
    }

    // MARK: - For the doctor

    private func books() async -> JSONValue {
        let pods = knownPods().map { JSONValue.array($0.sorted().map { .string($0) }) }
        let troubles = host.conditions.filter(\.isTrue).map { condition in
            JSONValue.object(["type": .string(condition.type), "message": .string(condition.message)])
        }
        return ["runtime": await runtime.books().json, "pods": pods ?? .null, "host": .array(troubles)]
    }

    private func mend(_ request: HTTPRequest) async throws(Status) -> JSONValue {
        let stop = (try? JSONValue(parsing: request.body))?["stop"]?.array?.compactMap(\.string) ?? []
        try await run { () async throws(CRIError) in try await runtime.mend(stopping: stop) }
        return [:]
    }

    private static func isServers(_ path: String) -> Bool {
        ["/api/", "/apis/", JoinPaths.prefix].contains { path.hasPrefix($0) }
    }

    // MARK: - What runs

    private func sandboxList() async throws(Status) -> JSONValue {
        let list = try await run { () async throws(CRIError) in try await runtime.listPodSandboxes(PodSandboxFilter()) }
        return .array(
            list.map { sandbox in
                guard var object = sandbox.json.object, let process = runtime.monitorProcess(of: sandbox.id) else {
                    return sandbox.json
                }
                object["monitorPid"] = .integer(Int64(process))
                return .object(object)
            })
    }

    private func containerList() async throws(Status) -> JSONValue {
        let sandboxes = try await run { () async throws(CRIError) in
            try await runtime.listPodSandboxes(PodSandboxFilter())
        }
        let list = try await run { () async throws(CRIError) in try await runtime.listContainers(ContainerFilter()) }
        let runs = try await run { () async throws(CRIError) in try await sessions.runs.list() }
        // Each of `swiftlet run` is one, whatever there is of its attempts, and as one look has it: an attempt may begin between two.
        let ofRuns = Set(runs.map(\.sandbox.id) + sandboxes.filter { $0.sessionName != nil }.map(\.id))
        let objects =
            list.filter { !ofRuns.contains($0.sandbox) }.map(\.json)
            + runs.compactMap { run in run.container.map { run.json(of: $0) } }
        return .array(objects.sorted { ($0["createdAt"]?.integer ?? 0) < ($1["createdAt"]?.integer ?? 0) })
    }

    private func run<Value>(_ body: () async throws(CRIError) -> Value) async throws(Status) -> Value {
        try await Status.ofRuntime(body)
    }
}

extension Status {
    /// Runs a call of the runtime; its failure as a Status.
    static func ofRuntime<Value>(_ body: () async throws(CRIError) -> Value) async throws(Status) -> Value {
        do throws(CRIError) {
            return try await body()
        } catch {
            switch error {
            case .notFound(let message), .imageNotFound(let message):
                throw Status(.notFound, code: 404, message)
            case .invalid(let message), .startFailed(let message, _), .unsupported(let message):
                throw .badRequest(message)
            default: throw .internalError(error.description)
            }
        }
    }
}

extension HTTPHandler {
    /// The same with a failure of the transport as a Status.
    fileprivate func handleChecked(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        do throws(HTTPError) {
            return try await handle(request)
        } catch {
            throw .serviceUnavailable(error.description)
        }
    }
}
