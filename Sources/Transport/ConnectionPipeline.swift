import HTTP
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS

/// Builds the handlers of accepted connections. Every kind of connection ends in a `RequestHandler`.
struct ConnectionPipeline: Sendable {
    let service: RequestService
    let connections: ServerConnections

    /// A TLS connection: handshake, then HTTP/2 or HTTP/1.1 as agreed.
    func configureTLS(_ channel: any Channel, context: NIOSSLContext) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try admit(channel)
            let pipeline = channel.pipeline.syncOperations
            let connectionGuard = ConnectionGuard(limits: service.limits, phase: .handshake)
            let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
                channel.eventLoop.makeCompletedFuture { try negotiated(result, on: channel) }
            }
            try pipeline.addHandlers([
                PlainRequestHandler(), NIOSSLServerHandler(context: context), connectionGuard, negotiation,
                ConnectionErrorHandler(),
            ])
        }
    }

    /// An unencrypted HTTP/1.1 connection over TCP.
    func configurePlain(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try admit(channel)
            try addHTTP1(to: channel, peer: .anonymous)
        }
    }

    /// An HTTP/1.1 connection over a unix socket.
    func configureUnix(_ channel: any Channel) -> EventLoopFuture<Void> {
        PeerIdentity.ofUnixSocket(channel).flatMapThrowing { peer in
            try admit(channel)
            try addHTTP1(to: channel, peer: peer)
        }
    }

    /// An HTTP/2 connection over a unix socket.
    func configureUnixHTTP2(_ channel: any Channel) -> EventLoopFuture<Void> {
        PeerIdentity.ofUnixSocket(channel).flatMapThrowing { peer in
            try admit(channel)
            try addHTTP2(to: channel, peer: peer)
        }
    }

    private func admit(_ channel: any Channel) throws {
        guard connections.admit(channel) else {
            service.logger.debug("connection refused: too many are open")
            throw ChannelError.connectTimeout(.zero)
        }
    }

    private func negotiated(_ result: ALPNResult, on channel: any Channel) throws {
        let peer = try PeerIdentity.ofTLS(channel)
        let pipeline = channel.pipeline.syncOperations
        let connectionGuard = try pipeline.handler(type: ConnectionGuard.self)
        if let tail = try? pipeline.handler(type: ConnectionErrorHandler.self) {
            pipeline.removeHandler(tail, promise: nil)
        }
        if result == .negotiated("h2") {
            // From here the connection manager watches for idleness.
            pipeline.removeHandler(connectionGuard, promise: nil)
            try addHTTP2(to: channel, peer: peer)
        } else {
            connectionGuard.enter(.idle)
            try addHTTP1Handlers(to: channel, peer: peer, connectionGuard: connectionGuard)
        }
    }

    private func addHTTP1(to channel: any Channel, peer: Peer) throws {
        let connectionGuard = ConnectionGuard(limits: service.limits, phase: .idle)
        try channel.pipeline.syncOperations.addHandler(connectionGuard)
        try addHTTP1Handlers(to: channel, peer: peer, connectionGuard: connectionGuard)
    }

    private func addHTTP1Handlers(to channel: any Channel, peer: Peer, connectionGuard: ConnectionGuard) throws {
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = service.limits.headerBytes
        decoding.maxHeaderListSize = service.limits.headerBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding)
        try channel.pipeline.syncOperations.addHandlers([
            BackPressureHandler(),
            HTTPResponseEncoder(configuration: encoding),
            ByteToMessageHandler(decoder),
            HTTPServerPipelineHandler(),
            RequestHandler(service: service, peer: peer, connectionGuard: connectionGuard),
        ])
    }

    private func addHTTP2(to channel: any Channel, peer: Peer) throws {
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: TimeAmount(service.limits.idleTime), maxAge: nil, maxGraceTime: nil,
                keepalive: .init(pingInterval: .seconds(30), ackTimeout: .seconds(20))))
        let pipeline = channel.pipeline.syncOperations
        _ = try pipeline.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: connectionConfiguration, streamConfiguration: streamConfiguration,
            streamDelegate: manager.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTP1ServerCodec(),
                    RequestHandler(service: service, peer: peer, connectionGuard: nil),
                ])
            }
        }
        try pipeline.addHandlers([manager, ConnectionErrorHandler()])
    }

    private var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: service.limits.streamsPerConnection),
            HTTP2Setting(parameter: .maxHeaderListSize, value: service.limits.headerBytes),
        ]
        // Clients in Go send a PING with each cancelled request, those of gRPC one with each answer.
        configuration.controlFrameRateLimit.maximumCount = service.limits.controlFrames
        return configuration
    }

    private var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.outboundBufferSizeHighWatermark = 128 << 10
        configuration.outboundBufferSizeLowWatermark = 32 << 10
        // A client that ends many watches at once resets a stream for each.
        configuration.streamResetFrameRateLimit.maximumCount = service.limits.controlFrames
        return configuration
    }
}

/// Ends a connection on which something failed that no other handler has dealt with. A failed HTTP/2 stream is no reason.
final class ConnectionErrorHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }
}
