import APIMachinery
import CRI
import HTTP
import JSONTree

/// A client of exec or attach on a WebSocket: each message starts with its `CommandChannel`.
struct WebSocketCommandClient: CommandClient {
    private let connection: any WebSocketConnection
    private let time: any TimeSource
    private let isText: Bool
    private let endsWithStatus: Bool
    /// Takes signals, which only our own sessions have.
    var signal: (@Sendable (Int32) async -> Void)?

    /// kubectl up to 1.32 reads before it has made its streams and drops what comes earlier ("Unknown stream id").
    private static let clientPreparation = Duration.milliseconds(20)

    /// - Parameter subprotocol: of `CommandProtocol.webSocket`, or "".
    init(_ connection: any WebSocketConnection, subprotocol: String, time: any TimeSource) {
        self.connection = connection
        self.time = time
        isText = CommandProtocol.isText(subprotocol)
        endsWithStatus = CommandProtocol.endsWithStatus(subprotocol)
    }

    func prepare() async {
        try? await time.sleep(for: Self.clientPreparation)
    }

    func send(_ chunk: StreamChunk) async throws {
        switch chunk {
        case .standardOutput(let bytes): try await connection.send(message(.standardOutput, bytes))
        case .standardError(let bytes): try await connection.send(message(.standardError, bytes))
        }
    }

    private func message(_ channel: CommandChannel, _ content: [UInt8]) -> WebSocketMessage {
        isText ? .text("\(channel.rawValue)" + Bytes(content).base64) : .binary(channel.message(content))
    }

    /// A message's channel and what it carries.
    private func parse(_ message: WebSocketMessage) -> (CommandChannel, ArraySlice<UInt8>)? {
        switch message {
        case .binary(let bytes) where !isText:
            return bytes.first.flatMap(CommandChannel.init(rawValue:)).map { ($0, bytes.dropFirst()) }
        case .text(let text) where isText:
            guard let channel = text.first.flatMap({ UInt8(String($0)) }).flatMap(CommandChannel.init(rawValue:)),
                let content = Bytes(base64: String(text.dropFirst()))
            else { return nil }
            return (channel, content.array[...])
        default: return nil
        }
    }

    func finish(_ status: Status) async {
        if endsWithStatus {
            try? await connection.send(message(.end, status.json.encoded()))
        } else if status.status != "Success" {
            try? await connection.send(message(.end, Array(status.message.utf8)))
        }
        await connection.close(code: 1000)
    }

    func forwardInput(to streams: any ContainerStreams) async {
        while let message = try? await connection.receive() {
            guard let (channel, content) = parse(message) else { continue }
            switch channel {
            case .standardInput: try? await streams.writeStandardInput(Array(content))
            case .size: if let size = TerminalSize(json: content) { await streams.resize(size) }
            case .signal: if content.count == 1, let number = content.first { await signal?(Int32(number)) }
            case .close:
                if content.first == CommandChannel.standardInput.rawValue { await streams.closeStandardInput() }
            case .standardOutput, .standardError, .end, .start: break
            }
        }
    }
}
