import NIOCore
import NIOPosix
import Synchronization

/// A proxy that keeps what it is asked for, and answers every connection as a test says.
final class TestProxy: Sendable {
    enum Reply: Sendable {
        case silence
        /// These bytes, then the end.
        case bytes(String)
        /// These bytes, then whatever comes goes to and fro with this port.
        case tunnel(to: Int, after: String)
    }

    private let reply: Reply
    private let state = Mutex<(port: Int, asked: [String])>((0, []))

    var port: Int { state.withLock { $0.port } }
    /// The heads of all requests that were not for a tunnel's other end.
    var asked: [String] { state.withLock { $0.asked } }

    private init(_ reply: Reply) {
        self.reply = reply
    }

    static func run(_ reply: Reply, _ body: (TestProxy) async throws -> Void) async throws {
        let proxy = TestProxy(reply)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(proxy))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.state.withLock { $0.port = channel.localAddress?.port ?? 0 }
        do {
            try await body(proxy)
        } catch {
            try? await channel.close()
            throw error
        }
        try await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let proxy: TestProxy
        private var head = ""
        private var far: (any Channel)?

        init(_ proxy: TestProxy) {
            self.proxy = proxy
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = unwrapInboundIn(data)
            if let far { return far.writeAndFlush(part, promise: nil) }
            head += String(buffer: part)
            guard head.hasSuffix("\r\n\r\n") else { return }
            proxy.state.withLock { $0.asked.append(head) }
            head = ""
            let channel = context.channel
            switch proxy.reply {
            case .silence: break
            case .bytes(let text):
                channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
                context.close(promise: nil)
            case .tunnel(let port, let text):
                let connected = ClientBootstrap(group: context.eventLoop)
                    .channelInitializer { far in
                        far.eventLoop.makeCompletedFuture { try far.pipeline.syncOperations.addHandler(Back(channel)) }
                    }
                    .connect(host: "127.0.0.1", port: port)
                connected.assumeIsolated().whenSuccess { far in
                    self.far = far
                    channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
                }
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            far?.close(promise: nil)
        }
    }

    /// What the other end of a tunnel sends.
    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let near: any Channel

        init(_ near: any Channel) {
            self.near = near
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            near.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            near.close(promise: nil)
        }
    }
}
