import APIMachinery
import CRI
import ContainerRuntime
import HTTP
import JSONTree
import Logging
import PodNetwork
import Streaming

/// Serves `swiftlet run`: a container that is made for one session, and is gone when that ends, whichever side ends it.
struct RunEndpoint: Sendable {
    let runtime: NodeRuntime
    let network: PodNetwork
    /// The service, as `namespace/name`, whose node port this is.
    let service: @Sendable (HostPort) -> String?
    let time: any TimeSource
    let logger: Logger

    /// What a container has to end by itself once its session is gone.
    private static let grace = Duration.seconds(10)

    /// The first message is the `RunSpec`; from then on it is an attach, with signals on a channel of their own.
    func answer(_ request: HTTPRequest) throws(Status) -> HTTPResponse {
        guard request.headers.values("Sec-WebSocket-Protocol").contains(where: { $0.contains(ExecMessage.subprotocol) })
        else { throw .badRequest("a container is run over a WebSocket with \(ExecMessage.subprotocol)") }
        return HTTPResponse(
            101, body: .webSocket(subprotocol: ExecMessage.subprotocol) { connection in await serve(connection) })
    }

    private func serve(_ connection: any WebSocketConnection) async {
        let session = RemoteCommandSession(connection, time: time)
        do throws(CRIError) {
            let spec = try await Self.spec(connection)
            try await run(spec, session)
        } catch {
            logger.warning("container not run", metadata: ["cause": "\(error)"])
            await session.refuse(error)
        }
    }

    private static func spec(_ connection: any WebSocketConnection) async throws(CRIError) -> RunSpec {
        guard let message = try? await connection.receive(), case .binary(let bytes) = message,
            let json = try? JSONValue(parsing: bytes), let spec = RunSpec(json)
        else { throw .invalid("the daemon and this command are of different versions: restart the daemon") }
        return spec
    }

    private func run(_ spec: RunSpec, _ session: RemoteCommandSession) async throws(CRIError) {
        let filter = PodSandboxFilter()
        guard try await !runtime.listPodSandboxes(filter).contains(where: { $0.sessionName == spec.name }) else {
            throw .invalid("a container named \(spec.name) runs already; give this one another --name")
        }
        for mapping in spec.ports { try await check(PortClaim(port: try HostPort(mapping))) }
        var generator = SystemRandomNumberGenerator()
        let number = UInt64.random(in: .min ... .max, using: &generator)
        let config = spec.sandbox(uid: "session-" + String(number, radix: 16))
        let sandbox = try await step("make the sandbox of \(spec.name)") { () async throws(CRIError) in
            try await runtime.runPodSandbox(config)
        }
        do throws(CRIError) {
            try await run(spec, config, in: sandbox, session)
        } catch {
            await clear(sandbox)
            throw error
        }
        await clear(sandbox)
    }

    private func check(_ claim: PortClaim) async throws(CRIError) {
        if let id = await network.holder(of: claim.port) {
            let sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter())
            if let sandbox = sandboxes.first(where: { $0.id == id }) {
                throw claim.refusal(.container(sandbox.metadata, isSession: sandbox.sessionName != nil))
            }
        }
        if let name = service(claim.port) { throw claim.refusal(.service(name)) }
        if let holder = claim.process() { throw claim.refusal(holder) }
    }

    private func run(
        _ spec: RunSpec, _ config: PodSandboxConfig, in sandbox: String, _ session: RemoteCommandSession
    ) async throws(CRIError) {
        let container = try spec.container()
        let id = try await step("create container \(spec.name)") { () async throws(CRIError) in
            try await runtime.createContainer(sandbox: sandbox, config: container, sandboxConfig: config)
        }
        // Before it starts, so that its first word is heard.
        let streams = try await step("attach to container \(spec.name)") { () async throws(CRIError) in
            try await runtime.attach(
                ExecRequest(
                    container: id, terminal: spec.hasTerminal, standardInput: spec.hasInput,
                    standardError: !spec.hasTerminal))
        }
        if let size = spec.terminalSize { await streams.resize(size) }
        try await step("start container \(spec.name)") { () async throws(CRIError) in
            try await runtime.startContainer(id)
        }
        for warning in (try? await runtime.containerStatus(id).warnings) ?? [] { await session.warn(warning) }
        await session.run(streams) { signal in
            do throws(CRIError) {
                try await runtime.signal(container: id, signal)
            } catch {
                logger.debug("signal not sent", metadata: ["container": "\(id)", "cause": "\(error)"])
            }
        }
        try await runtime.stopContainer(id, timeout: Self.grace)
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

    private func clear(_ sandbox: String) async {
        do throws(CRIError) {
            try await runtime.stopPodSandbox(sandbox)
            try await runtime.removePodSandbox(sandbox)
        } catch {
            logger.error("container not cleared away", metadata: ["sandbox": "\(sandbox)", "cause": "\(error)"])
        }
    }

    /// Takes away what sessions of an earlier daemon have left: nobody is there any more to see them end.
    func clearAll() async {
        for sandbox in (try? await runtime.listPodSandboxes(PodSandboxFilter())) ?? [] where sandbox.sessionName != nil
        {
            logger.info(
                "taking away a container whose session is gone", metadata: ["name": "\(sandbox.sessionName ?? "")"])
            await clear(sandbox.id)
        }
    }
}

extension CRIError {
    /// The same with the step at which it happened.
    func prefixed(_ step: String) -> CRIError {
        let text = "cannot \(step): \(description)"
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
