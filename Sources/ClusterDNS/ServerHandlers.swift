import NIOCore
import Synchronization

/// Answers datagrams. An answer waits for nobody: where the socket's buffer is full, the datagram is lost as any may be.
final class DatagramServer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let answerer: QueryAnswerer

    init(answerer: QueryAnswerer) {
        self.answerer = answerer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let packet = unwrapInboundIn(data)
        let channel = context.channel
        let client = packet.remoteAddress
        answerer.answer(Array(packet.data.readableBytesView), byStream: false, on: context.eventLoop).whenSuccess {
            guard let answer = $0 else { return }
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: client, data: ByteBuffer(bytes: answer)), promise: nil)
        }
    }

    /// Errors of single datagrams (an unreachable client) are no reason to stop.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Answers the queries of one stream. Answers may overtake each other, as RFC 7766 allows; at most `limit` are awaited,
/// then the stream is closed.
final class StreamServer: ChannelInboundHandler {
    typealias InboundIn = [UInt8]
    typealias OutboundOut = ByteBuffer

    private static let limit = 32
    private let answerer: QueryAnswerer
    private let awaited = AwaitedAnswers()

    init(answerer: QueryAnswerer) {
        self.answerer = answerer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard awaited.begin() <= Self.limit else {
            context.close(promise: nil)
            return
        }
        let channel = context.channel
        let awaited = awaited
        answerer.answer(unwrapInboundIn(data), byStream: true, on: context.eventLoop).whenSuccess { answer in
            awaited.end()
            if let answer { channel.writeAndFlush(DNSFrameDecoder.frame(answer), promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

private final class AwaitedAnswers: Sendable {
    private let count = Atomic<Int>(0)

    func begin() -> Int { count.add(1, ordering: .relaxed).newValue }
    func end() { count.subtract(1, ordering: .relaxed) }
}

/// How many streams are open.
final class StreamCount: Sendable {
    private let count = Atomic<Int>(0)

    /// False where there are too many.
    func open() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= ClusterDNS.streamLimit { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func close() {
        count.subtract(1, ordering: .relaxed)
    }
}
