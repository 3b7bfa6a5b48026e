import HTTP
import NIOCore

/// What carries a SPDY connection's bytes: the upgraded connection itself, or the binary messages of a WebSocket (KEP-4006).
enum SPDYCarrier: Sendable {
    case webSocket(WebSocketSession)
    case channel(NIOAsyncChannel<ByteBuffer, ByteBuffer>)

    /// Returns when `handler` has ended and the connection is closed.
    func serve(_ handler: @Sendable (any MultiplexedConnection) async -> Void) async {
        switch self {
        case .webSocket(let socket): await Self.serve(socket, handler)
        case .channel(let channel): await Self.serve(channel, handler)
        }
    }

    private static func serve(
        _ socket: WebSocketSession, _ handler: @Sendable (any MultiplexedConnection) async -> Void
    ) async {
        let session = SPDYSession(
            send: { bytes in (try? await socket.send(.binary(bytes))) != nil },
            abort: { await socket.close(code: 1000) })
        let input = ByteStream(next: {
            switch try await socket.receive() {
            case .binary(let bytes): bytes
            case .text: throw HTTPError.malformed("SPDY goes in binary messages")
            case nil: nil
            }
        })
        await session.serve(reading: input, with: handler)
        await socket.close(code: 1000)
    }

    private static func serve(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ handler: @Sendable (any MultiplexedConnection) async -> Void
    ) async {
        // A client that breaks the connection is no failure of ours.
        try? await channel.executeThenClose { inbound, outbound in
            let session = SPDYSession(
                send: { bytes in (try? await outbound.write(ByteBuffer(bytes: bytes))) != nil },
                abort: { channel.channel.close(promise: nil) })
            await session.serve(reading: inbound.map { Array(buffer: $0) }, with: handler)
        }
    }
}
