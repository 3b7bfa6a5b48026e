import HTTP
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// One unary gRPC call on a connection of its own, in the clear (HTTP/2 with prior knowledge): what a probe needs. gRPC over HTTP/2, PROTOCOL-HTTP2.
package enum GRPCCall {
    package struct Answer: Sendable, Hashable {
        /// 0 is success (grpc status codes).
        package var status: Int
        package var message: String
        /// The one message of the answer, empty where there is none.
        package var body: [UInt8]

        package init(status: Int, message: String, body: [UInt8]) {
            self.status = status
            self.message = message
            self.body = body
        }
    }

    /// Bytes of an answer; `bodyTooLarge` beyond.
    static let answerLimit = 64 << 10

    /// - Throws: `timedOut`, `connectFailed`, `connectionLost`, and `malformed` where the answer is no gRPC.
    package static func send(
        _ path: String, _ message: [UInt8], host: String, port: Int, within limit: Duration, threads: IOThreads
    ) async throws(HTTPError) -> Answer {
        let deadline = NIODeadline.now() + TimeAmount(limit)
        do {
            let channel = try await connect(host, port, limit, threads)
            let answer = channel.eventLoop.makePromise(of: Answer.self)
            // Whichever comes first decides; the channel is closed in every case.
            channel.closeFuture.whenComplete { _ in
                answer.fail(HTTPError.connectionLost(reason: "\(hostPort(host, port)) has closed the connection"))
            }
            let timer = channel.eventLoop.scheduleTask(deadline: deadline) {
                answer.fail(HTTPError.timedOut(after: limit))
                channel.close(promise: nil)
            }
            defer {
                timer.cancel()
                channel.close(promise: nil)
            }
            return try await withTaskCancellationHandler {
                try await open(path, message, hostPort(host, port), on: channel, answer)
                return try await answer.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let error as HTTPError {
            throw error
        } catch {
            if NIODeadline.now() >= deadline { throw .timedOut(after: limit) }
            throw .connectFailed(endpoint: hostPort(host, port), reason: connectionReason(error))
        }
    }

    private static func connect(
        _ host: String, _ port: Int, _ limit: Duration, _ threads: IOThreads
    ) async throws -> any Channel {
        let bootstrap = ClientBootstrap(group: threads.group).connectTimeout(TimeAmount(limit))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.close() }
                    try pipeline.addHandler(ConnectionErrorHandler())
                }
            }
        return try await HTTPEndpoint.http(host: host, port: port).connect(bootstrap).get()
    }

    private static func open(
        _ path: String, _ message: [UInt8], _ authority: String, on channel: any Channel,
        _ answer: EventLoopPromise<Answer>
    ) async throws {
        let streams = try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap(\.multiplexer).get()
        let stream = try await streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(GRPCAnswerHandler(answer))
            }
        }.get()
        let headers: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": authority, "te": "trailers",
            "content-type": "application/grpc", "user-agent": "kube-probe/1.36",
        ]
        try await stream.writeAndFlush(HTTP2Frame.FramePayload.headers(.init(headers: headers)))
        let data = HTTP2Frame.FramePayload.data(
            .init(data: .byteBuffer(ByteBuffer(bytes: framed(message))), endStream: true))
        // It may be answered before it is sent.
        stream.writeAndFlush(data, promise: nil)
    }

    /// A message as the stream carries it: not compressed, its length, itself.
    package static func framed(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(clamping: message.count)
        return [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + message
    }

    /// The first message of a stream; empty where there is none, nil where it is compressed or cut off.
    package static func message(in bytes: [UInt8]) -> [UInt8]? {
        if bytes.isEmpty { return [] }
        guard bytes.count >= 5, bytes[0] == 0 else { return nil }
        let length = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count - 5 >= length else { return nil }
        return Array(bytes[5..<5 + length])
    }
}

/// Collects the answer of one stream. Lives on the channel's event loop.
private final class GRPCAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload

    private let answer: EventLoopPromise<GRPCCall.Answer>
    private var status: Int?
    private var message = ""
    private var body: [UInt8] = []

    init(_ answer: EventLoopPromise<GRPCCall.Answer>) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let part):
            let code = part.headers.first(name: ":status") ?? "200"
            guard code == "200" else { return fail(.malformed("status \(code) in place of a gRPC answer")) }
            status = part.headers.first(name: "grpc-status").flatMap { Int($0) } ?? status
            message = part.headers.first(name: "grpc-message") ?? message
            if part.endStream { finish() }
        case .data(let part):
            guard case .byteBuffer(let buffer) = part.data else { return }
            guard body.count + buffer.readableBytes <= GRPCCall.answerLimit else {
                return fail(.bodyTooLarge(limit: GRPCCall.answerLimit))
            }
            body += buffer.readableBytesView
            if part.endStream { finish() }
        case .rstStream(let code): fail(.connectionLost(reason: "the stream was reset: \(code)"))
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.connectionLost(reason: "the stream ended early"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.connectionLost(reason: connectionReason(error)))
    }

    private func finish() {
        guard let status else { return fail(.malformed("an answer without grpc-status")) }
        guard let bytes = GRPCCall.message(in: body) else { return fail(.malformed("a gRPC message that is cut off")) }
        answer.succeed(GRPCCall.Answer(status: status, message: message, body: bytes))
    }

    private func fail(_ error: HTTPError) {
        answer.fail(error)
    }
}
