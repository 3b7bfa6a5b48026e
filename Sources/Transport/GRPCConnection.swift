import HTTP
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// One HTTP/2 connection in the clear, with prior knowledge, that carries gRPC calls (PROTOCOL-HTTP2).
struct GRPCConnection: Sendable {
    let channel: any Channel
    private let streams: NIOHTTP2Handler.StreamMultiplexer
    private let authority: String

    static func open(
        _ endpoint: HTTPEndpoint, within limit: Duration, threads: IOThreads
    ) async throws -> GRPCConnection {
        let bootstrap = ClientBootstrap(group: threads.group).connectTimeout(TimeAmount(limit))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: configuration, streamConfiguration: .init()
                    ) { $0.close() }
                    try pipeline.addHandler(ConnectionErrorHandler())
                }
            }
        let channel = try await endpoint.connect(bootstrap).get()
        let streams = try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap(\.multiplexer).get()
        return GRPCConnection(channel: channel, streams: streams, authority: endpoint.hostField)
    }

    /// A server in Go sends a PING with nearly every message that it takes.
    private static var configuration: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.controlFrameRateLimit.maximumCount = 1_000_000
        return configuration
    }

    /// Sends a call; what comes back goes to `receiver`. Closing the channel that is returned breaks the call off.
    /// - Parameter timeout: told to the server; nil: none.
    func start(
        _ path: String, _ message: [UInt8], timeout: Duration?, agent: String, _ receiver: GRPCReceiver
    ) async throws -> any Channel {
        let stream = try await streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(GRPCStreamHandler(receiver))
            }
        }.get()
        var headers: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": authority, "te": "trailers",
            "content-type": "application/grpc", "user-agent": agent,
        ]
        if let timeout { headers.add(name: "grpc-timeout", value: GRPCTimeout.text(timeout)) }
        try await stream.writeAndFlush(HTTP2Frame.FramePayload.headers(.init(headers: headers)))
        let data = HTTP2Frame.FramePayload.data(
            .init(data: .byteBuffer(ByteBuffer(bytes: GRPCFrame.framed(message))), endStream: true))
        // It may be answered before it is sent.
        stream.writeAndFlush(data, promise: nil)
        return stream
    }

    func close() {
        channel.close(promise: nil)
    }
}

/// Takes what a server sends for one call. Called on the connection's event loop; must return at once.
struct GRPCReceiver: Sendable {
    /// Bytes of a message; beyond, the call fails with `bodyTooLarge`.
    var messageLimit: Int
    var message: @Sendable ([UInt8]) -> Void
    /// Once, after the last message: how the server says that the call went, or why no such word came.
    var end: @Sendable (Result<(status: Int, message: String), HTTPError>) -> Void
}

/// Takes the answer of one stream apart. Lives on the channel's event loop.
private final class GRPCStreamHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload

    private let receiver: GRPCReceiver
    private var status: Int?
    private var message = ""
    private var buffer = ByteBuffer()
    private var hasEnded = false

    init(_ receiver: GRPCReceiver) {
        self.receiver = receiver
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let part):
            let code = part.headers.first(name: ":status") ?? "200"
            guard code == "200" else { return end(.failure(.malformed("status \(code) in place of a gRPC answer"))) }
            status = part.headers.first(name: "grpc-status").flatMap { Int($0) } ?? status
            message = part.headers.first(name: "grpc-message").map(GRPCText.decoded) ?? message
            if part.endStream { finish() }
        case .data(let part):
            guard case .byteBuffer(let bytes) = part.data else { return }
            buffer.writeImmutableBuffer(bytes)
            takeMessages(context)
            if part.endStream { finish() }
        case .rstStream(let code): end(.failure(.connectionLost(reason: "the stream was reset: \(code)")))
        default: break
        }
    }

    private func takeMessages(_ context: ChannelHandlerContext) {
        while let head = buffer.getBytes(at: buffer.readerIndex, length: GRPCFrame.headBytes),
            let length = GRPCFrame.length(in: head[...])
        {
            guard head[0] == 0 else { return fail(.malformed("a gRPC message that is compressed"), context) }
            guard length <= receiver.messageLimit else {
                return fail(.bodyTooLarge(limit: receiver.messageLimit), context)
            }
            guard buffer.readableBytes >= GRPCFrame.headBytes + length else { break }
            buffer.moveReaderIndex(forwardBy: GRPCFrame.headBytes)
            receiver.message(buffer.readBytes(length: length) ?? [])
        }
        buffer.discardReadBytes()
    }

    private func fail(_ error: HTTPError, _ context: ChannelHandlerContext) {
        end(.failure(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(.connectionLost(reason: "the stream ended early")))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(.connectionLost(reason: connectionReason(error))))
    }

    private func finish() {
        guard let status else { return end(.failure(.malformed("an answer without grpc-status"))) }
        guard buffer.readableBytes == 0 else { return end(.failure(.malformed("a gRPC message that is cut off"))) }
        end(.success((status, message)))
    }

    private func end(_ result: Result<(status: Int, message: String), HTTPError>) {
        guard !hasEnded else { return }
        hasEnded = true
        receiver.end(result)
    }
}
