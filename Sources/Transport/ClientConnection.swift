import Glibc
import HTTP
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// One request as the connection sends it.
struct ClientCall: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    let deadline: NIODeadline
    let limits: ClientLimits
    /// Set where the request asks for a WebSocket.
    var handshake: ClientWebSocketHandshake?
    let token = CancelToken()
}

/// What became of a call.
enum ClientOutcome: Sendable {
    case response(HTTPResponse)
    case failed(HTTPError)
    /// A connection that was used before closed without a byte of the response: what is idempotent may be sent again on another.
    case stale(HTTPError)
}

/// A connection of a client, as tasks see it.
final class ClientConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<ResponseHandler>
    private let session = Mutex<WebSocketSession?>(nil)

    init(channel: any Channel, handler: NIOLoopBound<ResponseHandler>) {
        self.channel = channel
        self.handler = handler
    }

    var isActive: Bool { channel.isActive }

    /// Sends the call and waits for its response, or for its head where the body is a stream. Cancelling the task closes the connection.
    func send(_ call: ClientCall) async -> ClientOutcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                channel.eventLoop.execute { self.handler.value.start(call, on: self, continuation) }
            }
        } onCancel: {
            channel.eventLoop.execute { self.handler.value.cancel(call.token) }
        }
    }

    func close() {
        channel.close(promise: nil)
    }

    func keepSession(_ made: WebSocketSession) {
        session.withLock { $0 = made }
    }

    /// The WebSocket that the last call has opened, once.
    func takeSession() -> WebSocketSession? {
        session.withLock { held in
            defer { held = nil }
            return held
        }
    }
}

/// The handlers of the channels that one connection is tried with: a name may have several addresses.
private final class MadeHandlers: Sendable {
    let places = Mutex<[ObjectIdentifier: NIOLoopBound<ResponseHandler>]>([:])
}

/// Opens connections to one endpoint.
final class ClientConnector: Sendable {
    private let endpoint: HTTPEndpoint
    private let limits: ClientLimits
    private let threads: IOThreads
    private let proxy: HTTPProxy?
    private let proxyTLS: NIOSSLContext?
    private let tls: TLSState

    init(
        endpoint: HTTPEndpoint, proxy: HTTPProxy?, limits: ClientLimits, threads: IOThreads
    ) throws(TransportError) {
        self.endpoint = endpoint
        self.proxy = proxy
        if case .https(_, _, let configuration)? = proxy?.endpoint {
            proxyTLS = try configuration.context()
        } else {
            proxyTLS = nil
        }
        self.limits = limits
        self.threads = threads
        if case .https(_, _, let configuration) = endpoint {
            tls = TLSState(try configuration.context(isTunnelled: proxy != nil))
        } else {
            tls = TLSState(nil)
        }
    }

    /// The name that is expected of the server stays.
    func reload(_ configuration: ClientTLS) throws(TransportError) {
        tls.replace(try configuration.context(isTunnelled: proxy != nil))
    }

    func connect(deadline: NIODeadline, pool: ConnectionPool) async throws(HTTPError) -> ClientConnection {
        // Kept from here on: a channel that has failed already has no handlers any more, and this one knows why.
        let made = MadeHandlers()
        let bootstrap = ClientBootstrap(group: threads.group)
            .connectTimeout(max(.milliseconds(1), deadline - .now()))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try self.configure(channel, pool)
                    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    made.places.withLock { $0[ObjectIdentifier(channel)] = bound }
                }
            }
        do {
            let channel = try await (proxy?.endpoint ?? endpoint).connect(bootstrap).get()
            guard let handler = made.places.withLock({ $0[ObjectIdentifier(channel)] }) else {
                throw ChannelError.ioOnClosedChannel
            }
            let connection = ClientConnection(channel: channel, handler: handler)
            channel.closeFuture.whenComplete { _ in pool.remove(connection) }
            return connection
        } catch {
            pool.remove(nil)
            if case .connectTimeout? = error as? ChannelError { throw .timedOut(after: limits.totalTime) }
            throw .connectFailed(endpoint: description, reason: connectionReason(error))
        }
    }

    /// The endpoint and the proxy on the way to it.
    var description: String { endpoint.description + (proxy.map { " through the proxy \($0)" } ?? "") }

    private func configure(_ channel: any Channel, _ pool: ConnectionPool) throws -> ResponseHandler {
        let pipeline = channel.pipeline.syncOperations
        if let proxy, let proxyTLS {
            try pipeline.addHandlers([try Self.handler(proxyTLS, for: proxy.host), ProxyTLSFailures()])
        }
        if let context = tls.current, case .https(let host, _, let configuration) = endpoint {
            if let proxy {
                let tunnel = ProxyTunnel(to: endpoint.hostField, through: proxy, limit: limits.headerBytes)
                let server = try TunnelledName(configuration.serverName ?? host).handler(context, configuration.trust)
                try pipeline.addHandlers([tunnel, server])
            } else {
                try pipeline.addHandler(Self.handler(context, for: configuration.serverName ?? host))
            }
        }
        if case .unix = endpoint {} else { try prepareSocket(channel) }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headerBytes
        decoding.maxHeaderListSize = limits.headerBytes
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding)
        let handler = ResponseHandler(endpoint: description, pool: pool)
        try pipeline.addHandlers([HTTPRequestEncoder(), ByteToMessageHandler(decoder), handler])
        return handler
    }

    /// An IP address is checked against the certificate by itself; only names go into SNI.
    private static func handler(_ context: NIOSSLContext, for name: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
    }
}

extension ClientConnector {
    /// A watch may be silent for minutes. A server whose machine is gone says nothing at all: the kernel asks after 15 s of silence and gives up
    /// after three questions, and after 30 s where what was sent is not acknowledged. It takes little beyond what is on the line, so that what it has taken
    /// tells how a body gets on.
    private func prepareSocket(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        try options.setOption(.socketOption(.so_keepalive), value: 1)
        for (name, value) in [
            (TCP_KEEPIDLE, 15), (TCP_KEEPINTVL, 5), (TCP_KEEPCNT, 3), (TCP_USER_TIMEOUT, 30_000),
            (TCP_NOTSENT_LOWAT, 128 << 10),
        ] {
            try options.setOption(.tcpOption(.init(rawValue: name)), value: .init(value))
        }
    }

    /// The other end of a session may take nothing for as long as it likes, as a program does that is not at its input yet. That counts as not
    /// acknowledged; whether the machine is there the kernel goes on to ask.
    static func letPeerPause(_ channel: any Channel) {
        // A socket of the file system has no such limit.
        try? channel.syncOptions?.setOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: 0)
    }
}
