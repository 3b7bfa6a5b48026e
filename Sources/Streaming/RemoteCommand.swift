import APIMachinery
import CRI
import HTTP
import JSONTree

/// Who asked for an exec or attach, over whichever protocol.
protocol CommandClient: Sendable {
    /// Returns when the client can take output.
    func prepare() async
    func send(_ chunk: StreamChunk) async throws
    /// The command has ended: the last that is sent.
    func finish(_ status: Status) async
    /// Carries the client's input. Returns when the client has gone or the task is cancelled.
    func forwardInput(to streams: any ContainerStreams) async
}

/// An exec or attach under way: its streams carried between the container and the client.
package struct RemoteCommand: Sendable {
    package typealias Start = @Sendable () async throws(CRIError) -> any ContainerStreams

    /// How client and kubelet talk.
    enum Way: Sendable, Hashable {
        case webSocket(subprotocol: String)
        case streams(protocol: String)
    }

    let client: any CommandClient
    let streams: any ContainerStreams
    /// An attach ends well whatever the container's exit code is: `kubectl run` reads that from the pod.
    let isAttach: Bool

    /// The newest protocol that both know.
    static func negotiate(_ request: HTTPRequest) throws(Status) -> Way {
        for name in CommandProtocol.webSocket where request.offers(name, in: "Sec-WebSocket-Protocol") {
            return .webSocket(subprotocol: name)
        }
        // A WebSocket without a protocol is as one with the oldest.
        if request.asksForWebSocket, request.headers["Sec-WebSocket-Protocol"] == nil {
            return .webSocket(subprotocol: "")
        }
        let name = CommandProtocol.streams
        guard request.offers(name, in: "X-Stream-Protocol-Version") else {
            throw .badRequest(
                "exec and attach need a WebSocket with \(CommandProtocol.webSocket.joined(separator: " or ")), or SPDY/3.1 with \(name)"
            )
        }
        return .streams(protocol: name)
    }

    /// Answers a request for a session by whichever protocol it offers. `start` begins the command, once the client has taken the answer.
    package static func answer(
        _ request: HTTPRequest, _ session: ExecRequest, time: any TimeSource, _ start: @escaping Start
    ) throws(Status) -> HTTPResponse {
        switch try negotiate(request) {
        case .webSocket(let subprotocol):
            return HTTPResponse(
                101,
                body: .webSocket(subprotocol: subprotocol) { connection in
                    let client = WebSocketCommandClient(connection, subprotocol: subprotocol, time: time)
                    await run(session, for: client, start)
                })
        case .streams(let name):
            return HTTPResponse(
                101, body: .streams(protocol: name) { await run(session, over: $0, time: time, start) })
        }
    }

    /// A session over streams: the command starts when the client has opened all that it asked for.
    static func run(
        _ request: ExecRequest, over connection: any MultiplexedConnection, time: any TimeSource, _ start: Start
    ) async {
        guard let client = await StreamCommandClient.accept(request, connection, time: time) else { return }
        await run(request, for: client, start)
    }

    private static func run(_ request: ExecRequest, for client: some CommandClient, _ start: Start) async {
        let isAttach = request.isAttach
        do throws(CRIError) {
            let streams = try await start()
            await RemoteCommand(client: client, streams: streams, isAttach: isAttach).run()
        } catch {
            await client.prepare()
            await client.finish(status(startFailure: error, isAttach: isAttach))
        }
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await forwardInput() }
            await forwardOutput()
            group.cancelAll()
            await streams.close()
        }
    }

    /// Returns when the process has ended, after its Status was sent.
    private func forwardOutput() async {
        await client.prepare()
        do {
            while let chunk = try await streams.receive() { try await client.send(chunk) }
            let code = try await streams.exitCode()
            await client.finish(Self.status(exitCode: isAttach ? 0 : code))
        } catch let error as CRIError {
            await client.finish(.internalError(error.description))
        } catch {
            // The client has gone; the process is ended by `close`.
        }
    }

    private func forwardInput() async {
        await client.forwardInput(to: streams)
        guard !Task.isCancelled else { return }
        // The client went away: the session ends with it.
        await streams.close()
    }

    /// The closing Status where nothing came to run, in the kubelet's words. The causes say for those who look what a shell would: the exit code, and
    /// the failure alone.
    static func status(startFailure error: CRIError, isAttach: Bool) -> Status {
        var status = Status.internalError(
            isAttach ? "error attaching to container: \(error)" : "error executing command in container: \(error)")
        guard case .startFailed(let message, let exitCode) = error else { return status }
        status.details = StatusDetails {
            $0.causes = [("ExitCode", String(exitCode)), ("StartFailure", message)].map { reason, message in
                StatusCause {
                    $0.reason = reason
                    $0.message = message
                }
            }
        }
        return status
    }

    /// The closing Status that clients take the exit code from.
    static func status(exitCode: Int32) -> Status {
        guard exitCode != 0 else { return .success() }
        return Status {
            $0.apiVersion = "v1"
            $0.kind = "Status"
            $0.status = "Failure"
            $0.reason = "NonZeroExitCode"
            $0.message = "command terminated with non-zero exit code: exit status \(exitCode)"
            $0.details = StatusDetails {
                $0.causes = [
                    StatusCause {
                        $0.reason = "ExitCode"
                        $0.message = String(exitCode)
                    }
                ]
            }
        }
    }
}

extension TerminalSize {
    /// `{"Width": 80, "Height": 24}`, as clients send it.
    init?(json bytes: some Collection<UInt8>) {
        guard let value = try? JSONValue(parsing: Array(bytes)),
            let width = value["Width"]?.integer, let height = value["Height"]?.integer
        else { return nil }
        self.init(columns: UInt16(clamping: width), rows: UInt16(clamping: height))
    }
}
