import APIMachinery
import CRI
import HTTP
import JSONTree

/// A client of exec or attach on a WebSocket: each binary message starts with its channel (0 stdin, 1 stdout, 2 stderr, 3 the closing
/// Status, 4 resize, 255 close of the channel named next, since v5).
struct WebSocketCommandClient: CommandClient {
    private let connection: any WebSocketConnection
    private let time: any TimeSource
    /// Takes signals, which only our own sessions have: channel 5.
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
        case .standardOutput(let bytes): try await connection.send(.binary([1] + bytes))
        case .standardError(let bytes): try await connection.send(.binary([2] + bytes))
        }
    }

    func finish(_ status: Status) async {
        try? await connection.send(.binary([3] + status.json.encoded()))
        await connection.close(code: 1000)
    }

    func forwardInput(to streams: any ContainerStreams) async {
        while let message = try? await connection.receive() {
            guard case .binary(let bytes) = message, let channel = bytes.first else { continue }
            switch channel {
            case 0: try? await streams.writeStandardInput(Array(bytes.dropFirst()))
            case 4: if let size = TerminalSize(json: bytes.dropFirst()) { await streams.resize(size) }
            case 5: if bytes.count == 2 { await signal?(Int32(bytes[1])) }
            case 255: if bytes.count > 1, bytes[1] == 0 { await streams.closeStandardInput() }
            default: break
            }
        }
    }
}
