import Glibc
import HTTP
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Transport

/// How long a client waits for a server that takes a body slowly, on a clock that only the test moves.
@Suite struct SlowLineTests {
    /// A socket that takes what is written when the test says so.
    private final class Line: ChannelOutboundHandler {
        typealias OutboundIn = HTTPClientRequestPart
        typealias OutboundOut = HTTPClientRequestPart

        private var waiting: [EventLoopPromise<Void>] = []
        var bytes = 0
        var hasEnded = false

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            switch unwrapOutboundIn(data) {
            case .head: break
            case .body(let part): bytes += part.readableBytes
            case .end: hasEnded = true
            }
            if let promise { waiting.append(promise) }
        }

        func take() {
            guard !waiting.isEmpty else { return }
            waiting.removeFirst().succeed()
        }
    }

    private static let body = [UInt8](repeating: 7, count: 1 << 20)
    private static let time = Duration.seconds(10)

    /// What becomes of a call while `steps` are gone through.
    /// - Parameter isKept: whether the connection has answered another call before.
    private func outcome(
        isKept: Bool = false, _ steps: (EmbeddedChannel, Line) throws -> Void
    ) async throws -> ClientOutcome {
        var failure: (any Error)?
        let first = isKept ? await continuation() : nil
        let outcome = await withCheckedContinuation { continuation in
            let loop = EmbeddedEventLoop()
            let line = Line()
            let pool = ConnectionPool(limits: ClientLimits())
            let handler = ResponseHandler(endpoint: "test", pool: pool)
            let channel = EmbeddedChannel(handlers: [line, handler], loop: loop)
            let connection = ClientConnection(channel: channel, handler: NIOLoopBound(handler, eventLoop: loop))
            var limits = ClientLimits()
            limits.totalTime = Self.time
            let call = ClientCall(
                head: HTTPRequestHead(version: .http1_1, method: .PUT, uri: "/"), body: Self.body,
                deadline: .uptimeNanoseconds(0) + TimeAmount(Self.time), limits: limits)
            do {
                try channel.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
                if let first {
                    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
                    let before = ClientCall(head: head, body: [], deadline: call.deadline, limits: limits)
                    handler.start(before, on: connection, first)
                    try answer(channel)
                    line.hasEnded = false
                }
                handler.start(call, on: connection, continuation)
                try steps(channel, line)
            } catch {
                failure = error
            }
            // Ends what has not ended.
            channel.close(promise: nil)
            loop.run()
        }
        if let failure { throw failure }
        return outcome
    }

    /// One for an outcome that nobody looks at.
    private func continuation() async -> CheckedContinuation<ClientOutcome, Never> {
        await withCheckedContinuation { made in
            Task { _ = await withCheckedContinuation { made.resume(returning: $0) } as ClientOutcome }
        }
    }

    private func answer(_ channel: EmbeddedChannel) throws {
        let head = HTTPResponseHead(version: .http1_1, status: .created, headers: ["Content-Length": "0"])
        try channel.writeInbound(HTTPClientResponsePart.head(head))
        try channel.writeInbound(HTTPClientResponsePart.end(nil))
    }

    @Test func aBodyThatGetsOnHasItsTime() async throws {
        let outcome = try await outcome { channel, line in
            var steps = 0
            while !line.hasEnded, steps < 100 {
                channel.embeddedEventLoop.advanceTime(by: .seconds(9))
                line.take()
                channel.embeddedEventLoop.run()
                steps += 1
            }
            #expect(steps > 4 && line.bytes == Self.body.count)
            channel.embeddedEventLoop.advanceTime(by: .seconds(9))
            try answer(channel)
            #expect(channel.isActive)
        }
        guard case .response(let response) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(response.status == 201)
    }

    @Test(arguments: [0, 3, 100]) func oneThatStandsHasNot(parts: Int) async throws {
        let outcome = try await outcome { channel, line in
            for _ in 0..<parts {
                line.take()
                channel.embeddedEventLoop.run()
            }
            #expect(line.hasEnded == (parts == 100))
            channel.embeddedEventLoop.advanceTime(by: .seconds(10))
            #expect(!channel.isActive)
        }
        guard case .failed(.timedOut(after: Self.time, through: nil)) = outcome else {
            return #expect(Bool(false), "\(outcome)")
        }
    }

    /// A kept connection that the server had forgotten takes parts of the body before that is known.
    @Test(arguments: [0, 1, 3, 100], [false, true])
    func aKeptConnectionMayBeLostWithAPartOfTheBody(parts: Int, isReset: Bool) async throws {
        let outcome = try await outcome(isKept: true) { channel, line in
            for _ in 0..<parts {
                line.take()
                channel.embeddedEventLoop.run()
            }
            #expect(channel.isActive && line.hasEnded == (parts == 100))
            if isReset {
                channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read"))
            } else {
                channel.close(promise: nil)
            }
            channel.embeddedEventLoop.run()
        }
        guard case .stale(.connectionLost) = outcome else { return #expect(Bool(false), "\(outcome)") }
    }

    @Test func aFirstConnectionThatIsLostIsAFailure() async throws {
        let outcome = try await outcome { channel, line in
            line.take()
            channel.close(promise: nil)
            channel.embeddedEventLoop.run()
        }
        guard case .failed(.connectionLost) = outcome else { return #expect(Bool(false), "\(outcome)") }
    }

    /// The server says no in the midst of it: what it has not taken would be its next request.
    @Test func anAnswerBeforeItsEndEndsTheConnection() async throws {
        let outcome = try await outcome { channel, line in
            line.take()
            channel.embeddedEventLoop.run()
            #expect(!line.hasEnded)
            try answer(channel)
            #expect(!channel.isActive)
        }
        guard case .response = outcome else { return #expect(Bool(false), "\(outcome)") }
    }
}
