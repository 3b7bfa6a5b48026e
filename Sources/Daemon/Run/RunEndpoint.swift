import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree
import Kubelet
import Linux
import Logging
import Streaming

/// Serves `swiftlet run`: a container that is made for one session, and is gone when that ends, whichever side ends it; or one that is detached, and
/// what is asked of it later.
struct RunEndpoint: Sendable {
    let runtime: NodeRuntime
    let runs: RunContainers
    let containers: ContainerEndpoint
    let time: any TimeSource
    let logger: Logger

    static func serves(_ path: String) -> Bool {
        path == "/v1/run" || path.hasPrefix("/v1/run/") || Self.container(path) != nil
    }

    /// What a path asks, and of which container: those of the kubelet's, in the namespace that no pod can have.
    private static func container(_ path: String) -> (what: Substring, name: String)? {
        let parts = path.split(separator: "/")
        guard parts.count == 4, parts[1] == RunSpec.namespace, ["containerLogs", "exec", "attach"].contains(parts[0])
        else {
            return nil
        }
        return (parts[0], String(parts[2]))
    }

    func answer(_ request: HTTPRequest) async throws(Status) -> HTTPResponse {
        switch (request.method, request.path) {
        case (.get, "/v1/run"): return try session(request)
        case (.get, "/v1/run/wait"): return try await end(of: request.query("name") ?? "")
        case (.post, "/v1/run/start"):
            return try await named { () async throws(CRIError) in try await runs.start(request.query("name") ?? "") }
        case (.post, "/v1/run/stop"):
            return try await shielded { () async throws(CRIError) in
                try await runs.stop(request.query("name") ?? "", grace: Self.grace(request))
            }
        case (.post, "/v1/run/restart"):
            return try await shielded { () async throws(CRIError) in
                try await runs.restart(request.query("name") ?? "", grace: Self.grace(request))
            }
        case (.post, "/v1/run/kill"):
            return try await named { () async throws(CRIError) in
                try await kill(request.query("name") ?? "", request.query("signal") ?? "KILL")
            }
        case (.delete, "/v1/run"):
            return try await named { () async throws(CRIError) in
                try await runs.remove(request.query("name") ?? "", force: request.query("force") == "true")
            }
        default:
            guard let (what, name) = Self.container(request.path) else { throw .resourceNotFound() }
            let run = try await Status.ofRuntime { () async throws(CRIError) in try await runs.named(name) }
            return try await answer(request, what, of: run)
        }
    }

    private static func grace(_ request: HTTPRequest) -> Duration? {
        request.query("seconds").flatMap { UInt32($0) }.map { .seconds($0) }
    }

    /// - Parameter signal: its name or number.
    private func kill(_ text: String, _ signal: String) async throws(CRIError) -> String {
        guard let number = SignalNames.number(signal) else {
            throw .invalid("\"\(signal)\" is no signal; write a name such as HUP, or a number from 1 to 64")
        }
        return try await runs.kill(text, signal: number)
    }

    /// An empty line so often, so that nobody takes the connection for dead.
    private static let pulse = Duration.seconds(15)

    /// The exit code, in a line that comes when the container has ended.
    private func end(of name: String) async throws(Status) -> HTTPResponse {
        let run = try await Status.ofRuntime { () async throws(CRIError) in try await runs.named(name) }
        let lines = MergedLines.stream([
            { put in
                do throws(CRIError) {
                    let line: JSONValue = ["exitCode": .integer(Int64(try await runs.end(of: run)))]
                    put(line.encoded() + [UInt8(ascii: "\n")])
                } catch {
                    let line: JSONValue = ["message": .string(error.description)]
                    put(line.encoded() + [UInt8(ascii: "\n")])
                }
            },
            { put in while (try? await time.sleep(for: Self.pulse)) != nil { put([UInt8(ascii: "\n")]) } },
        ])
        return HTTPResponse(200, headers: ["Content-Type": "application/x-ndjson"], body: .stream(lines.endless))
    }

    private func named(_ body: () async throws(CRIError) -> String) async throws(Status) -> HTTPResponse {
        let name: JSONValue = ["name": .string(try await Status.ofRuntime(body))]
        return HTTPResponse(name)
    }

    /// Who goes away neither cuts the grace short nor leaves ended what was to start again.
    private func shielded(
        _ body: @escaping @Sendable () async throws(CRIError) -> String
    ) async throws(Status) -> HTTPResponse {
        let work = Task { await Result<String, CRIError>.of(body) }
        return try await named { () async throws(CRIError) in try await work.value.get() }
    }

    private func answer(
        _ request: HTTPRequest, _ what: Substring, of run: RunContainers.Run
    ) async throws(Status) -> HTTPResponse {
        let name = "container \(run.name)"
        guard let container = run.container else {
            throw .badRequest("\(name) is being \(run.hasEnded ? "removed" : "made")")
        }
        if what == "attach" { return try join(request, to: container, of: run) }
        if what == "exec", request.method == .post { return try await begin(request, in: container, of: run) }
        if what == "exec" {
            return try containers.session(
                request, in: container, named: name, isAttach: false, difference: ExecDifference(request.query))
        }
        guard run.sandbox.isDetached else {
            throw .badRequest("\(name) has no log: what it writes goes to the command that runs it")
        }
        guard request.query("previous") != "true" else {
            throw .badRequest("\(name) has one log for all its starts: leave out --previous")
        }
        return try await containers.logs(request, of: container, named: name) { await runs.waitForFinalEnd(of: run) }
    }

    /// The first message is the `RunSpec`; from then on it is an attach, with signals on a channel of their own.
    private func session(_ request: HTTPRequest) throws(Status) -> HTTPResponse {
        try Self.session(request) { connection in await serve(connection) }
    }

    /// - Parameter serve: over the WebSocket that the request asks for.
    static func session(
        _ request: HTTPRequest, _ serve: @escaping @Sendable (any WebSocketConnection) async -> Void
    ) throws(Status) -> HTTPResponse {
        guard request.headers.values("Sec-WebSocket-Protocol").contains(where: { $0.contains(ExecMessage.subprotocol) })
        else { throw .badRequest("this is asked over a WebSocket with \(ExecMessage.subprotocol)") }
        return HTTPResponse(101, body: .webSocket(subprotocol: ExecMessage.subprotocol, run: serve))
    }

    private func serve(_ connection: any WebSocketConnection) async {
        let session = RemoteCommandSession(connection, time: time)
        var name: Logger.Metadata = [:]
        do throws(CRIError) {
            let spec = try await Self.spec(connection)
            name["name"] = "\(spec.name)"
            try await run(spec, session)
        } catch {
            logger.warning("container not run", metadata: name.merging(["cause": "\(error)"]) { $1 })
            await session.refuse(error)
        }
    }

    private static func spec(_ connection: any WebSocketConnection) async throws(CRIError) -> RunSpec {
        guard let message = try? await connection.receive() else {
            throw .failed("the command went away before it said what to run")
        }
        guard case .binary(let bytes) = message, let json = try? JSONValue(parsing: bytes),
            let spec = RunSpec(message: json)
        else { throw .invalid("the daemon and this command are of different versions: restart the daemon") }
        return spec
    }

    /// What was made for a session.
    private struct Made: Sendable {
        let sandbox: PodSandboxStatus
        let container: String
        /// Nil where it is detached.
        let streams: (any ContainerStreams)?
    }

    private func run(_ spec: RunSpec, _ session: RemoteCommandSession) async throws(CRIError) {
        let made = try await make(spec, session)
        await session.started(made.container)
        guard let streams = made.streams else { return await session.end() }
        let status = await session.run(streams) { signal in
            do throws(CRIError) {
                try await runtime.signal(container: made.container, signal)
            } catch {
                logger.debug("signal not sent", metadata: ["container": "\(made.container)", "cause": "\(error)"])
            }
        }
        let given = spec.grace.map { Duration.seconds($0) } ?? RunContainers.grace
        // Of a session that broke off nobody waits for the end.
        let grace = Task.isCancelled ? .zero : given
        do throws(CRIError) {
            try await runtime.stopContainer(made.container, timeout: grace)
        } catch {
            logger.warning("container not stopped", metadata: ["name": "\(spec.name)", "cause": "\(error)"])
        }
        // Before its command ends, so that nothing is there any more for who comes next.
        await runs.clear(made.sandbox)
        if let status { await session.end(status) }
    }

    /// A client that goes cancels this, and nothing starts for it.
    private func make(_ spec: RunSpec, _ session: RemoteCommandSession) async throws(CRIError) -> Made {
        var generator = SystemRandomNumberGenerator()
        let uid = runs.logs.uid(&generator)
        return try await runs.named(new: spec.name) { () async throws(CRIError) in
            let config = try await runs.sandbox(spec, uid)
            let id = try await step("make the sandbox of \(spec.name)") { () async throws(CRIError) in
                try await runtime.runPodSandbox(config)
            }
            let sandbox = PodSandboxStatus(id: id, metadata: config.metadata, state: .ready, createdAt: 0)
            do throws(CRIError) {
                return try await make(spec, config, in: sandbox, session)
            } catch {
                await runs.clear(sandbox)
                throw error
            }
        }
    }

    private func make(
        _ spec: RunSpec, _ config: PodSandboxConfig, in sandbox: PodSandboxStatus, _ session: RemoteCommandSession
    ) async throws(CRIError) -> Made {
        let container = spec.container()
        let id = try await step("create container \(spec.name)") { () async throws(CRIError) in
            try await runtime.createContainer(sandbox: sandbox.id, config: container, sandboxConfig: config)
        }
        // Before it starts, so that its first word is heard.
        let streams = spec.isDetached ? nil : try await attach(to: id, spec)
        guard !Task.isCancelled else {
            throw .failed("container \(spec.name): its command ended before it had started")
        }
        try await step("start container \(spec.name)") { () async throws(CRIError) in
            try await runtime.startContainer(id)
        }
        // Nobody would know of it.
        guard !Task.isCancelled || !spec.isDetached else {
            throw .failed("container \(spec.name): its command ended before it could tell of it")
        }
        for warning in (try? await runtime.containerStatus(id).warnings) ?? [] { await session.warn(warning) }
        return Made(sandbox: sandbox, container: id, streams: streams)
    }

    private func attach(to id: String, _ spec: RunSpec) async throws(CRIError) -> any ContainerStreams {
        let streams = try await step("attach to container \(spec.name)") { () async throws(CRIError) in
            try await runtime.attach(
                ExecRequest(
                    container: id, terminal: spec.hasTerminal, standardInput: spec.hasInput,
                    standardError: !spec.hasTerminal))
        }
        if let size = spec.terminalSize { await streams.resize(size) }
        return streams
    }

    /// A failure says at which step it was.
    private func step<Value: Sendable>(
        _ name: String, _ body: () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        do throws(CRIError) {
            return try await body()
        } catch {
            throw error.prefixed(name)
        }
    }
}

extension Result where Failure == CRIError {
    fileprivate static func of(_ body: () async throws(CRIError) -> Success) async -> Self {
        do throws(CRIError) { return .success(try await body()) } catch { return .failure(error) }
    }
}

extension CRIError {
    /// The same with the step at which it happened; an object that the step ends with is not named again.
    func prefixed(_ step: String) -> CRIError {
        let object = step.split(separator: " ").suffix(2).joined(separator: " ") + ": "
        let cause = description.hasPrefix(object) ? String(description.dropFirst(object.count)) : description
        let text = "cannot \(step): \(cause)"
        return switch self {
        case .notFound: .notFound(text)
        case .invalid: .invalid(text)
        case .imageNotFound: .imageNotFound(text)
        case .startFailed(_, let code): .startFailed(message: text, exitCode: code)
        case .unsupported: .unsupported(text)
        case .timedOut: .timedOut(text)
        case .failed: .failed(text)
        }
    }
}
