import NIOCore

/// A proxy that a client goes through: to a server of TLS by CONNECT (RFC 9110 section 9.3.6), to another by asking for the whole address (RFC 9112 section
/// 3.2.2).
package struct HTTPProxy: Sendable, Equatable, CustomStringConvertible {
    /// Over TLS, with the authorities that the system trusts.
    package var isSecure: Bool
    package var host: String
    package var port: Int
    /// What `Proxy-Authorization` says; nil to come as nobody.
    package var authorization: String?

    package init(isSecure: Bool = false, host: String, port: Int, authorization: String? = nil) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.authorization = authorization
    }

    /// Without the credentials.
    package var description: String { (isSecure ? "https://" : "http://") + hostPort(host, port) }

    /// Where it is connected to.
    var endpoint: HTTPEndpoint {
        isSecure ? .https(host: host, port: port, ClientTLS(trust: .system)) : .http(host: host, port: port)
    }
}

/// Why a proxy lets nobody through to a server.
struct ProxyRefusal: Error, CustomStringConvertible {
    let description: String

    init(status: Int, proxy: HTTPProxy) {
        description =
            switch (status, proxy.authorization) {
            case (407, nil): "the proxy asks for a name and a password"
            case (407, _): "the proxy takes no such name and password"
            default: "the proxy answered \(status)"
            }
    }

    private init(_ description: String) { self.description = description }

    static let noHTTP = ProxyRefusal("the proxy does not speak HTTP")
}

/// Asks a proxy for a tunnel before anything else. The handlers after it learn only then that the connection is there, and must keep what they write before.
final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let target: String
    private let proxy: HTTPProxy
    private let limit: Int
    private var received = ByteBuffer()

    /// - Parameters:
    ///   - target: host and port of the server.
    ///   - limit: of the answer's header in bytes.
    init(to target: String, through proxy: HTTPProxy, limit: Int) {
        self.target = target
        self.proxy = proxy
        self.limit = limit
    }

    func channelActive(context: ChannelHandlerContext) {
        var request = "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n"
        if let authorization = proxy.authorization { request += "Proxy-Authorization: \(authorization)\r\n" }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request + "\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        received.writeBuffer(&part)
        guard let end = received.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else {
            if received.readableBytes > limit { fail(.noHTTP, context) }
            return
        }
        guard let status = Self.status(received.readableBytesView[..<end]) else { return fail(.noHTTP, context) }
        guard (200...299).contains(status) else { return fail(ProxyRefusal(status: status, proxy: proxy), context) }
        received.moveReaderIndex(to: end)
        context.fireChannelActive()
        if received.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(received)) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ refusal: ProxyRefusal, _ context: ChannelHandlerContext) {
        context.fireErrorCaught(refusal)
        context.close(promise: nil)
    }

    /// Of `HTTP/1.1 200 OK`; nil for anything else.
    private static func status(_ head: ByteBufferView) -> Int? {
        let words = head.prefix { $0 != 13 }.split(separator: 32, maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8), words[1].count == 3 else { return nil }
        return Int(String(decoding: words[1], as: UTF8.self))
    }
}
