import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The step from HTTP/1.1 to WebSocket (RFC 6455, 4.2).
enum WebSocketUpgrade {
    /// Whether the HTTP/1.1 parser takes the request as an upgrade, after which it reads nothing more.
    static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT
            || (head.headers.contains(name: "upgrade")
                && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" })
    }

    /// The 101 response; nil where the request is not a proper WebSocket handshake. Call on the channel's event loop.
    static func response(
        to head: HTTPRequestHead, subprotocol: String, channel: any Channel
    ) -> HTTPResponseHead? {
        guard isUpgrade(head), head.method == .GET,
            head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" })
        else { return nil }
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        // The upgrader computes the accept key without waiting for anything: its future is complete when it returns.
        var headers: HTTPHeaders?
        upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: [:])
            .assumeIsolated().whenSuccess { headers = $0 }
        guard var headers else { return nil }
        if !subprotocol.isEmpty { headers.replaceOrAdd(name: "Sec-WebSocket-Protocol", value: subprotocol) }
        return HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
    }

    /// Replaces the HTTP handlers of a channel, on its event loop, after the 101 response has passed. Where the channel is gone already, the session
    /// is closed from the start.
    static func install(
        on channel: any Channel, masks: Bool, limit: Int, onInactive: @escaping () -> Void
    ) -> WebSocketSession {
        let handler = WebSocketHandler(masks: masks, limit: limit, onInactive: onInactive)
        let session = WebSocketSession(
            eventLoop: channel.eventLoop, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
        do {
            try channel.syncOptions?.setOption(.autoRead, value: false)
            try replaceHandlers(of: channel.pipeline.syncOperations, with: handler, limit: limit)
            handler.readMore()
        } catch {
            channel.close(promise: nil)
            handler.abandon()
        }
        return session
    }

    private static func replaceHandlers(
        of pipeline: ChannelPipeline.SynchronousOperations, with handler: WebSocketHandler, limit: Int
    ) throws {
        for old in httpHandlers(of: pipeline) { pipeline.removeHandler(old, promise: nil) }
        try pipeline.addHandlers([
            WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limit)), handler,
        ])
        // Last, because it hands on the bytes that it has already read.
        if let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            pipeline.removeHandler(decoder, promise: nil)
        }
        if let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self) {
            let hold = WriteHold()
            try pipeline.addHandler(hold, position: .after(decoder))
            pipeline.removeHandler(decoder).assumeIsolated().whenComplete { _ in hold.release() }
        }
    }

    static func httpHandlers(
        of pipeline: ChannelPipeline.SynchronousOperations
    ) -> [any RemovableChannelHandler] {
        let found: [(any RemovableChannelHandler)?] = [
            try? pipeline.handler(type: ConnectionGuard.self),
            try? pipeline.handler(type: BackPressureHandler.self),
            try? pipeline.handler(type: HTTPResponseEncoder.self),
            try? pipeline.handler(type: HTTPServerPipelineHandler.self),
            try? pipeline.handler(type: RequestHandler.self),
            try? pipeline.handler(type: HTTPRequestEncoder.self),
            try? pipeline.handler(type: ResponseHandler.self),
        ]
        return found.compactMap(\.self)
    }
}
