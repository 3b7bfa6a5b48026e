import HTTP
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct GRPCCallTests {
    /// Calls a server that answers as told; an answer of nil never comes.
    private func call(_ answer: GRPCServer.Answer?, within limit: Duration = .seconds(120)) async throws -> (
        GRPCCall.Answer
    ) {
        let threads = IOThreads(count: 1)
        let server = try await GRPCServer.start(answer, on: threads.group)
        let result: Result<GRPCCall.Answer, HTTPError>
        do throws(HTTPError) {
            result = .success(
                try await GRPCCall.send(
                    "/a.B/C", [1, 2, 3], host: "127.0.0.1", port: server.port, within: limit, threads: threads))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        await threads.stop()
        return try result.get()
    }

    @Test func theMessageGoesThereAndTheAnswerComesBack() async throws {
        let echo = GRPCServer.Answer(status: "0", echoes: true)
        #expect(try await call(echo) == GRPCCall.Answer(status: 0, message: "/a.B/C", body: [1, 2, 3]))
        let refused = try await call(GRPCServer.Answer(status: "12", echoes: false))
        #expect(refused.status == 12 && refused.body.isEmpty)
    }

    @Test func whatIsNoAnswerFails() async throws {
        await #expect(throws: HTTPError.self) { try await call(GRPCServer.Answer(status: nil, echoes: true)) }
        await #expect(throws: HTTPError.timedOut(after: .milliseconds(50))) {
            try await call(nil, within: .milliseconds(50))
        }
    }

    @Test func messagesAreFramed() {
        #expect(GRPCFrame.framed([7]) == [0, 0, 0, 0, 1, 7])
        #expect(GRPCFrame.message(in: GRPCFrame.framed([7, 8])) == [7, 8])
        #expect(GRPCFrame.message(in: []) == [])
        for bad: [UInt8] in [[0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 2, 1], [0, 255, 255, 255, 255]] {
            #expect(GRPCFrame.message(in: bad) == nil)
        }
    }
}

/// A server of frames that answers every stream alike.
private struct GRPCServer: Sendable {
    struct Answer: Sendable {
        /// grpc-status, nil for none.
        var status: String?
        /// The request's bytes come back.
        var echoes: Bool
    }

    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(_ answer: Answer?, on group: any EventLoopGroup) async throws -> GRPCServer {
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(Responder(answer))
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return GRPCServer(channel: channel)
    }

    func stop() async {
        try? await channel.close()
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        private let answer: Answer?
        private var path = ""
        private var body = ByteBuffer()

        init(_ answer: Answer?) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let part): path = part.headers.first(name: ":path") ?? ""
            case .data(let part):
                if case .byteBuffer(let buffer) = part.data { body.writeImmutableBuffer(buffer) }
                if part.endStream, let answer { respond(answer, context) }
            default: break
            }
        }

        private func respond(_ answer: Answer, _ context: ChannelHandlerContext) {
            let head: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
            context.write(wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
            if answer.echoes {
                context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(body)))), promise: nil)
            }
            var trailers: HPACKHeaders = ["grpc-message": path]
            if let status = answer.status { trailers.add(name: "grpc-status", value: status) }
            context.writeAndFlush(
                wrapOutboundOut(.headers(.init(headers: trailers, endStream: true))), promise: nil)
        }
    }
}
