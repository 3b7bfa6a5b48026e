import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import PKI

/// An HTTP/2 connection to the lab's TLS port, made of frames.
final class HTTP2Client: Sendable {
    private let channel: any Channel
    private let streams: NIOHTTP2Handler.StreamMultiplexer

    static func connect(_ lab: Lab, as user: Credential? = nil) async throws -> HTTP2Client {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = ["h2"]
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(lab.authority.certificatePEM.utf8)))
        if let user {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(user.certificatePEM.utf8))
                .map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(user.keyPEM.utf8), format: .pem))
        }
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.close() }
                }
            }
            .connect(host: "127.0.0.1", port: lab.tlsPort).get()
        let streams = try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap(\.multiplexer).get()
        return HTTP2Client(channel: channel, streams: streams)
    }

    private init(channel: any Channel, streams: NIOHTTP2Handler.StreamMultiplexer) {
        self.channel = channel
        self.streams = streams
    }

    /// Opens a stream with this request; what comes back can be read from it.
    func open(_ method: String, _ path: String, body: [UInt8] = []) async throws -> HTTP2Exchange {
        let (incoming, feed) = AsyncStream<HTTP2Frame.FramePayload>.makeStream()
        let stream = try await streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(FrameFeeder(feed))
            }
        }.get()
        let headers: HPACKHeaders = [
            ":method": method, ":path": path, ":scheme": "https", ":authority": "lab.test",
        ]
        let head = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: body.isEmpty))
        try await stream.writeAndFlush(head)
        if !body.isEmpty {
            let data = HTTP2Frame.FramePayload.data(
                .init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: true))
            // Refused requests may be answered before all of it is gone.
            stream.writeAndFlush(data, promise: nil)
        }
        return HTTP2Exchange(stream: stream, incoming: incoming)
    }

    func close() async {
        try? await channel.close()
    }
}

struct HTTP2Exchange: Sendable {
    let stream: any Channel
    let incoming: AsyncStream<HTTP2Frame.FramePayload>

    /// Status and body, read to the end of the stream or to `mark`.
    func read(until mark: String? = nil) async -> (status: String, body: String) {
        var status = ""
        var body = ""
        for await frame in incoming {
            switch frame {
            case .headers(let head): status = head.headers.first(name: ":status") ?? ""
            case .data(let data): if case .byteBuffer(let buffer) = data.data { body += String(buffer: buffer) }
            default: break
            }
            if let mark, body.contains(mark) { break }
        }
        return (status, body)
    }

    /// Resets the stream.
    func cancel() async {
        try? await stream.close()
    }
}

private final class FrameFeeder: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload

    private let feed: AsyncStream<HTTP2Frame.FramePayload>.Continuation

    init(_ feed: AsyncStream<HTTP2Frame.FramePayload>.Continuation) {
        self.feed = feed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        feed.yield(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        feed.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        feed.finish()
    }
}
