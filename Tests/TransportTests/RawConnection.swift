import NIOCore
import NIOPosix

/// A TCP connection that speaks whatever bytes a test gives it.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let incoming: AsyncStream<String>

    static func open(port: Int, on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) async throws
        -> RawConnection
    {
        let (stream, feed) = AsyncStream<String>.makeStream()
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Feeder(feed))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel: channel, incoming: stream)
    }

    private init(channel: any Channel, incoming: AsyncStream<String>) {
        self.channel = channel
        self.incoming = incoming
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// What comes until the text holds `mark`, or until the other side closes.
    func read(until mark: String? = nil) async -> String {
        var text = ""
        for await part in incoming {
            text += part
            if let mark, text.contains(mark) { break }
        }
        return text
    }

    func close() async {
        try? await channel.close()
    }
}

private final class Feeder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let feed: AsyncStream<String>.Continuation

    init(_ feed: AsyncStream<String>.Continuation) {
        self.feed = feed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Bytes as Latin-1, so that nothing is lost.
        let scalars = unwrapInboundIn(data).readableBytesView.map { Character(Unicode.Scalar($0)) }
        feed.yield(String(scalars))
    }

    func channelInactive(context: ChannelHandlerContext) {
        feed.finish()
    }
}
