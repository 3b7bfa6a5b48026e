import APIMachinery
import CRI
import HTTP
import Synchronization

/// A session over a WebSocket whose command is not known before the session has begun: it may be refused in it, the client is told of its start, and
/// signals come on a channel of their own.
package struct RemoteCommandSession: Sendable {
    private let connection: any WebSocketConnection
    private let client: WebSocketCommandClient

    package init(_ connection: any WebSocketConnection, time: any TimeSource) {
        self.connection = connection
        client = WebSocketCommandClient(connection, subprotocol: CommandProtocol.newest, time: time)
    }

    /// Tells the client, which has nothing to say before.
    package func started(_ container: String) async {
        try? await connection.send(.binary(CommandChannel.start.message(container.utf8)))
    }

    /// Ends the session with what went wrong, and the exit code that a shell would give.
    package func refuse(_ error: CRIError) async {
        let code: Int32 = if case .startFailed(_, let code) = error { code } else { 125 }
        await warn(error.description)
        await client.finish(RemoteCommand.status(exitCode: code))
    }

    /// Ends the session with what `run` has returned; well where there was nothing to be joined to.
    package func end(_ status: Status = RemoteCommand.status(exitCode: 0)) async {
        await client.finish(status)
    }

    /// A line for whoever is at the other end, beside the command's own output.
    package func warn(_ message: String) async {
        try? await client.send(.standardError(Array("swiftlet: \(message)\r\n".utf8)))
    }

    /// Carries the streams until the command has ended or the client has gone.
    /// - Returns: what `end` is to tell the client; nil where it has gone.
    package func run(
        _ streams: any ContainerStreams, signal: @escaping @Sendable (Int32) async -> Void
    ) async -> Status? {
        var client = client
        client.signal = signal
        let own = OwnClient(base: client)
        await RemoteCommand(client: own, streams: streams, isAttach: false).run()
        return own.end.status.withLock { $0 }
    }
}

/// Takes output at once, and keeps the end back.
private struct OwnClient: CommandClient {
    final class End: Sendable {
        let status = Mutex<Status?>(nil)
    }

    let base: WebSocketCommandClient
    let end = End()

    func prepare() async {}
    func send(_ chunk: StreamChunk) async throws { try await base.send(chunk) }
    func finish(_ status: Status) async { end.status.withLock { $0 = status } }
    func forwardInput(to streams: any ContainerStreams) async { await base.forwardInput(to: streams) }
}
