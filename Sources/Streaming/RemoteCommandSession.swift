import APIMachinery
import CRI
import HTTP

/// A session over a WebSocket whose command is not known before the session has begun: it may be refused in it, and signals come on a channel of their own (5, the
/// number in one byte).
package struct RemoteCommandSession: Sendable {
    private let client: WebSocketCommandClient

    package init(_ connection: any WebSocketConnection, time: any TimeSource) {
        client = WebSocketCommandClient(connection, time: time)
    }

    /// Ends the session with what went wrong, and the exit code that a shell would give.
    package func refuse(_ error: CRIError) async {
        let code: Int32 = if case .startFailed(_, let code) = error { code } else { 125 }
        await warn(error.description)
        await client.finish(RemoteCommand.status(exitCode: code))
    }

    /// Ends the session well: there is nothing to be joined to.
    package func end() async {
        await client.finish(RemoteCommand.status(exitCode: 0))
    }

    /// A line for whoever is at the other end, beside the command's own output.
    package func warn(_ message: String) async {
        try? await client.send(.standardError(Array("swiftlet: \(message)\r\n".utf8)))
    }

    /// Carries the streams until the command has ended or the client has gone.
    package func run(_ streams: any ContainerStreams, signal: @escaping @Sendable (Int32) async -> Void) async {
        var client = client
        client.signal = signal
        await RemoteCommand(client: client, streams: streams, isAttach: false).run()
    }
}
