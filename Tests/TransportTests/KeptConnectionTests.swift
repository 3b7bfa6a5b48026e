import HTTP
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport

/// A server that closes a connection it has kept in the midst of the next request.
@Suite(.timeLimit(.minutes(15))) struct KeptConnectionTests {
    private static let body = [UInt8](repeating: 7, count: 8 << 20)

    /// The answer to a request over a kept connection that is lost, and the number of requests that the server saw begin.
    private func ask(_ method: HTTPMethod, body: [UInt8], _ loss: LosingServer.Loss) async throws -> (String?, Int) {
        let threads = IOThreads(count: 1)
        let server = try await LosingServer.start(loss, on: threads.group)
        let client = try HTTPClient(.http(host: "127.0.0.1", port: server.port), limits: .patient, threads: threads)
        #expect(try await client.handle(HTTPRequest(.get, "/")).text == "0")
        let text = try? await client.handle(HTTPRequest(method, "/", body: body)).text
        client.close()
        await server.stop()
        await threads.stop()
        return (text, server.requests)
    }

    @Test(arguments: [HTTPMethod.get, .put, .delete], [0, 1 << 20])
    func whatIsIdempotentGoesOutAgainWhole(_ method: HTTPMethod, after bytes: Int) async throws {
        let body = bytes > 0 ? Self.body : []
        let (text, requests) = try await ask(method, body: body, .init(after: bytes))
        #expect(text == String(body.count) && requests == 3)
    }

    /// What the server has made of it is not known.
    @Test(arguments: [HTTPMethod.post, .patch]) func nothingElseDoes(_ method: HTTPMethod) async throws {
        let (text, requests) = try await ask(method, body: Self.body, .init(after: 1 << 20))
        #expect(text == nil && requests == 2)
    }

    @Test func norWhatAnAnswerHasBegunTo() async throws {
        // All of it is read: what a reset takes along is no answer.
        let loss = LosingServer.Loss(after: Self.body.count, words: "HTTP/1.1 2")
        let (text, requests) = try await ask(.put, body: Self.body, loss)
        #expect(text == nil && requests == 2)
    }

    @Test func itGoesOutAgainOnce() async throws {
        let (text, requests) = try await ask(.put, body: Self.body, .init(after: 1 << 20, alwaysLoses: true))
        #expect(text == nil && requests == 3)
    }
}

/// Answers each request with the length of its body, but for those that it loses.
private struct LosingServer: Sendable {
    /// The second request, and with `alwaysLoses` all after it.
    struct Loss: Sendable {
        /// Bytes of the body that are read before.
        var after: Int
        /// Sent before the end.
        var words = ""
        var alwaysLoses = false

        func meets(_ request: Int) -> Bool { request == 2 || alwaysLoses && request > 2 }
    }

    private final class Count: Sendable {
        let requests = Atomic<Int>(0)
    }

    private let channel: any Channel
    private let count: Count

    var port: Int { channel.localAddress?.port ?? 0 }
    var requests: Int { count.requests.load(ordering: .relaxed) }

    static func start(_ loss: Loss, on group: any EventLoopGroup) async throws -> LosingServer {
        let count = Count()
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answers(loss, count))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return LosingServer(channel: channel, count: count)
    }

    func stop() async { try? await channel.close() }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let loss: Loss
        private let count: Count
        private var head = ""
        /// Bytes of the body that were announced and that have come; nil between requests.
        private var body: (length: Int, read: Int)?
        private var number = 0

        init(_ loss: Loss, _ count: Count) {
            self.loss = loss
            self.count = count
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            while body == nil, let byte = bytes.readInteger(as: UInt8.self) {
                head.unicodeScalars.append(Unicode.Scalar(byte))
                if head.hasSuffix("\r\n\r\n") { begin() }
            }
            body?.read += bytes.readableBytes
            guard let body else { return }
            if loss.meets(number), body.read >= loss.after {
                return lose(context)
            }
            guard body.read >= body.length else { return }
            self.body = nil
            let text = String(body.length)
            send("HTTP/1.1 200 OK\r\nContent-Length: \(text.count)\r\n\r\n\(text)", context)
        }

        private func begin() {
            let field = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            let length = field.flatMap { Int($0.dropFirst(15).filter { $0 != " " }) } ?? 0
            body = (length, 0)
            head = ""
            number = count.requests.add(1, ordering: .relaxed).newValue
        }

        private func lose(_ context: ChannelHandlerContext) {
            body = nil
            if !loss.words.isEmpty { send(loss.words, context) }
            context.close(promise: nil)
        }

        private func send(_ text: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }
}
