import NIOCore
import NIOHTTP1

/// The step from HTTP/1.1 to SPDY/3.1, as Kubernetes' clients ask for it: `Upgrade: SPDY/3.1`, and the protocol above it in
/// `X-Stream-Protocol-Version`.
enum SPDYUpgrade {
    static func subprotocol(_ name: String) -> String { "SPDY/3.1+" + name }

    static func isWebSocket(_ head: HTTPRequestHead) -> Bool { asks(head, for: "websocket") }

    /// The 101 response; nil where the request does not ask for SPDY/3.1.
    static func response(to head: HTTPRequestHead, _ name: String) -> HTTPResponseHead? {
        guard WebSocketUpgrade.isUpgrade(head), asks(head, for: "spdy/3.1") else { return nil }
        return HTTPResponseHead(
            version: .http1_1, status: .switchingProtocols,
            headers: ["Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": name])
    }

    /// Replaces the HTTP handlers of a channel, on its event loop, after the 101 response has passed; nil where the channel is gone already.
    static func install(on channel: any Channel) -> NIOAsyncChannel<ByteBuffer, ByteBuffer>? {
        do {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            for old in WebSocketUpgrade.httpHandlers(of: pipeline) { pipeline.removeHandler(old, promise: nil) }
            let wrapped = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            // Last, because it hands on the bytes that it has already read; who waits for them sees them at the end of a read.
            pipeline.removeHandler(decoder).assumeIsolated().whenComplete { _ in
                channel.pipeline.fireChannelReadComplete()
            }
            return wrapped
        } catch {
            channel.close(promise: nil)
            return nil
        }
    }

    private static func asks(_ head: HTTPRequestHead, for name: String) -> Bool {
        head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == name }
    }
}
