import HTTP
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

    /// What an answer of 407 says.
    var wantsPassword: ConnectionRefusal { .wantsPassword(given: authorization != nil) }
}

/// Why a proxy lets nobody through to a server.
struct ProxyFailure: Error {
    let reason: String

    static let noHTTP = ProxyFailure(reason: "the proxy does not speak HTTP")
}

/// Stands behind TLS with a proxy, and tells what that fails by as the proxy's; what TLS with the server fails by does not come past.
final class ProxyTLSFailures: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(ConnectionRefusal(error, of: .proxy) ?? error)
    }
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
            if received.readableBytes > limit { fail(ProxyFailure.noHTTP, context) }
            return
        }
        guard let status = Self.status(received.readableBytesView[..<end]) else {
            return fail(ProxyFailure.noHTTP, context)
        }
        if status == 407 { return fail(proxy.wantsPassword, context) }
        guard (200...299).contains(status) else {
            return fail(ProxyFailure(reason: "the proxy answered \(status)"), context)
        }
        received.moveReaderIndex(to: end)
        context.fireChannelActive()
        if received.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(received)) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    /// Of `HTTP/1.1 200 OK`; nil for anything else.
    private static func status(_ head: ByteBufferView) -> Int? {
        let words = head.prefix { $0 != 13 }.split(separator: 32, maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8), words[1].count == 3 else { return nil }
        return Int(String(decoding: words[1], as: UTF8.self))
    }
}
