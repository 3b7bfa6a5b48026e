import APIMachinery
import CRI
import HTTP
import JSONTree

/// A client of exec or attach on a WebSocket: each binary message starts with its `CommandChannel`.
struct WebSocketCommandClient: CommandClient {
    private let connection: any WebSocketConnection
    private let time: any TimeSource
    /// Takes signals, which only our own sessions have.
    var signal: (@Sendable (Int32) async -> Void)?

    /// kubectl up to 1.32 reads before it has made its streams and drops what comes earlier ("Unknown stream id").
    private static let clientPreparation = Duration.milliseconds(20)

    init(_ connection: any WebSocketConnection, time: any TimeSource) {
        self.connection = connection
        self.time = time
    }

    func prepare() async {
        try? await time.sleep(for: Self.clientPreparation)
    }

    func send(_ chunk: StreamChunk) async throws {
        switch chunk {
        case .standardOutput(let bytes):
            try await connection.send(.binary(CommandChannel.standardOutput.message(bytes)))
        case .standardError(let bytes): try await connection.send(.binary(CommandChannel.standardError.message(bytes)))
        }
    }

    func finish(_ status: Status) async {
        try? await connection.send(.binary(CommandChannel.end.message(status.json.encoded())))
        await connection.close(code: 1000)
    }

    func forwardInput(to streams: any ContainerStreams) async {
        while let message = try? await connection.receive() {
            guard case .binary(let bytes) = message else { continue }
            switch bytes.first.flatMap(CommandChannel.init(rawValue:)) {
            case .standardInput: try? await streams.writeStandardInput(Array(bytes.dropFirst()))
            case .size: if let size = TerminalSize(json: bytes.dropFirst()) { await streams.resize(size) }
            case .signal: if bytes.count == 2 { await signal?(Int32(bytes[1])) }
            case .close:
                if bytes.count > 1, bytes[1] == CommandChannel.standardInput.rawValue {
                    await streams.closeStandardInput()
                }
            case .standardOutput, .standardError, .end, .start, nil: break
            }
        }
    }
}
