import Linux
import NIOCore
import NIOPosix
import Synchronization

/// Asks the servers outside. Each question goes from a port of its own with a number of its own, so that answers are hard
/// to forge.
///
/// Bound: `limit` questions at a time; one more fails at once. A server that does not answer within `patience` is passed
/// over, and all are asked twice.
final class Forwarder: Sendable {
    static let limit = 512
    private static let rounds = 2

    struct Failure: Error {
        let reason: String
    }

    private let upstream: @Sendable () -> UpstreamServers
    private let patience: TimeAmount
    private let inFlight = Atomic<Int>(0)

    /// - Parameter upstream: the servers as they are now; read for every question.
    init(patience: TimeAmount, upstream: @escaping @Sendable () -> UpstreamServers) {
        self.patience = patience
        self.upstream = upstream
    }

    /// The answer's bytes with the query's own number.
    func ask(_ query: [UInt8], byStream: Bool, on loop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        guard query.count >= 12 else { return loop.makeFailedFuture(Failure(reason: "no header")) }
        guard inFlight.add(1, ordering: .relaxed).newValue <= Self.limit else {
            inFlight.subtract(1, ordering: .relaxed)
            return loop.makeFailedFuture(Failure(reason: "too many questions at a time"))
        }
        let servers = upstream().servers
        let attempts = (0..<Self.rounds).flatMap { _ in servers }
        let number = UInt16.random(in: .min ... .max)
        var sent = query
        sent[0] = UInt8(number >> 8)
        sent[1] = UInt8(number & 0xff)
        let answer = attempt(attempts[...], sent, byStream, loop)
        answer.whenComplete { _ in self.inFlight.subtract(1, ordering: .relaxed) }
        return answer.map { answer in
            var restored = answer
            restored[0] = query[0]
            restored[1] = query[1]
            return restored
        }
    }

    private func attempt(
        _ servers: ArraySlice<UpstreamServers.Server>, _ query: [UInt8], _ byStream: Bool, _ loop: any EventLoop
    ) -> EventLoopFuture<[UInt8]> {
        guard let server = servers.first else {
            return loop.makeFailedFuture(Failure(reason: "no name server outside answered"))
        }
        return exchange(server, query, byStream, loop).flatMapError { _ in
            self.attempt(servers.dropFirst(), query, byStream, loop)
        }
    }

    private func exchange(
        _ server: UpstreamServers.Server, _ query: [UInt8], _ byStream: Bool, _ loop: any EventLoop
    ) -> EventLoopFuture<[UInt8]> {
        let address: SocketAddress
        do {
            address = try SocketAddress(ipAddress: server.host, port: server.port)
        } catch {
            return loop.makeFailedFuture(Failure(reason: "\(server.host) is no address"))
        }
        let promise = loop.makePromise(of: [UInt8].self)
        let timer = loop.scheduleTask(in: patience) { promise.fail(Failure(reason: "\(server.host) is silent")) }
        let channel = byStream ? stream(address, query, promise, loop) : datagram(address, query, promise, loop)
        channel.whenFailure { promise.fail($0) }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            channel.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }

    private func datagram(
        _ address: SocketAddress, _ query: [UInt8], _ promise: EventLoopPromise<[UInt8]>, _ loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Int(UInt16.max)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramAnswer(query: query, promise: promise))
                }
            }
            .connect(to: address)
            .flatMap { channel in
                let packet = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: query))
                return channel.writeAndFlush(packet).map { channel }
            }
    }

    private func stream(
        _ address: SocketAddress, _ query: [UInt8], _ promise: EventLoopPromise<[UInt8]>, _ loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop)
            .connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(DNSFrameDecoder()), StreamAnswer(query: query, promise: promise),
                    ])
                }
            }
            .connect(to: address)
            .flatMap { channel in channel.writeAndFlush(DNSFrameDecoder.frame(query)).map { channel } }
    }
}

/// Whether bytes answer a query: the same number, a response, the same question.
private func isAnswer(_ answer: [UInt8], to query: [UInt8]) -> Bool {
    guard answer.count >= 12, answer[0] == query[0], answer[1] == query[1], answer[2] & 0x80 != 0 else { return false }
    // A server that refuses may leave the question out.
    guard answer[4] != 0 || answer[5] != 0 else { return true }
    var asked = DNSReader(query)
    var answered = DNSReader(answer)
    asked.offset = 12
    answered.offset = 12
    return asked.name() == answered.name() && asked.uint16() == answered.uint16()
}

private final class DatagramAnswer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let query: [UInt8]
    private let promise: EventLoopPromise<[UInt8]>

    init(query: [UInt8], promise: EventLoopPromise<[UInt8]>) {
        self.query = query
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let answer = Array(unwrapInboundIn(data).data.readableBytesView)
        if isAnswer(answer, to: query) { promise.succeed(answer) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
    }
}

private final class StreamAnswer: ChannelInboundHandler {
    typealias InboundIn = [UInt8]

    private let query: [UInt8]
    private let promise: EventLoopPromise<[UInt8]>

    init(query: [UInt8], promise: EventLoopPromise<[UInt8]>) {
        self.query = query
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let answer = unwrapInboundIn(data)
        if isAnswer(answer, to: query) { promise.succeed(answer) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(Forwarder.Failure(reason: "closed"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
    }
}
