import HTTP
import NIOCore
import NIOHTTP1

/// The end of a client connection's pipeline: one call at a time. Lives on the channel's event loop.
final class ResponseHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        case idle
        case waiting(Pending)
        /// `collected` is being filled.
        case collecting(Pending, HTTPResponse)
        case streaming(ResponseBody, connection: ClientConnection, keepAlive: Bool)
        case upgraded
        case closed
    }

    private struct Pending {
        let call: ClientCall
        let connection: ClientConnection
        let continuation: CheckedContinuation<ClientOutcome, Never>
        var keepAlive = true
    }

    /// Bytes of a body that are written at a time.
    private static let part = 64 << 10

    private let endpoint: String
    private let pool: ConnectionPool
    private var state = State.idle
    /// Outside of the state, so that a growing body is never copied.
    private var collected: [UInt8] = []
    private var used = false
    /// A call that was cancelled before it started.
    private var cancelled: CancelToken?
    private var heldRead = false
    private var timer: Scheduled<Void>?
    /// What ends the call besides the connection's end.
    private var failure: HTTPError?
    /// Why the connection ends; nil: the other side closes it.
    private var cause: String?
    /// What is left of the call's body; nil once all of it is on its way.
    private var outgoing: OutgoingParts?
    private var context: ChannelHandlerContext?

    init(endpoint: String, pool: ConnectionPool) {
        self.endpoint = endpoint
        self.pool = pool
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if case .upgraded = state {} else { ended() }
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error as? HTTPParserError == .invalidEOFState {
            failure = failure ?? .connectionLost(reason: "it ended within a response")
        } else if error is HTTPParserError {
            failure = failure ?? .malformed("the response cannot be read: \(error)")
        } else if let proxy = error as? ProxyFailure {
            failure = failure ?? .connectFailed(endpoint: endpoint, reason: proxy.reason)
        } else if !used, let refusal = error as? ConnectionRefusal ?? ConnectionRefusal(error, of: .server) {
            failure = failure ?? .refused(refusal, endpoint: endpoint)
        } else {
            cause = cause ?? connectionReason(error)
        }
        context.close(promise: nil)
    }

    /// Back-pressure: no more is read while the caller is behind.
    func read(context: ChannelHandlerContext) {
        if case .streaming(let body, _, _) = state, body.isFull { heldRead = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting(let pending)): received(head, pending)
        case (.body(let buffer), .collecting): collected.append(contentsOf: buffer.readableBytesView)
        case (.body(let buffer), .streaming(let body, _, _)): body.append(buffer)
        case (.end, .collecting(let pending, var response)):
            response.body = .parts(collected.isEmpty ? [] : [collected])
            collected = []
            release(pending.connection, keepAlive: pending.keepAlive)
            pending.continuation.resume(returning: .response(response))
        case (.end, .streaming(let body, let connection, let keepAlive)):
            release(connection, keepAlive: keepAlive)
            body.finish(.success(()))
        case (_, .idle): context.close(promise: nil)
        default: break
        }
    }
}

extension ResponseHandler {
    func start(
        _ call: ClientCall, on connection: ClientConnection, _ continuation: CheckedContinuation<ClientOutcome, Never>
    ) {
        guard cancelled !== call.token else {
            context?.close(promise: nil)
            continuation.resume(returning: .failed(.connectionLost(reason: "the request was cancelled")))
            return
        }
        guard case .idle = state, let context, context.channel.isActive else {
            let lost = failure ?? connectionLost
            continuation.resume(returning: used ? .stale(lost) : .failed(lost))
            return
        }
        state = .waiting(
            Pending(
                call: call, connection: connection, continuation: continuation, keepAlive: call.head.isKeepAlive))
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: call.deadline) { self.timedOut() }
        context.write(wrapOutboundOut(.head(call.head)), promise: nil)
        outgoing = OutgoingParts([call.body])
        sendOn(call.limits.totalTime)
    }

    /// Sends the next part of the body, and the one after it once the socket has taken this one.
    private func sendOn(_ time: Duration) {
        guard let context, outgoing != nil else { return }
        let next = outgoing?.next(limit: Self.part, allocator: context.channel.allocator)
        guard let next, next.readableBytes == Self.part else {
            outgoing = nil
            if let next { context.write(wrapOutboundOut(.body(.byteBuffer(next))), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            return
        }
        let taken = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(next))), promise: taken)
        // By way of the loop: where the socket takes much, the parts do not pile up on the stack.
        taken.futureResult.hop(to: context.eventLoop).assumeIsolated().whenSuccess {
            context.eventLoop.assumeIsolated().execute { self.taken(time) }
        }
    }

    private func taken(_ time: Duration) {
        if timer != nil, let context {
            timer?.cancel()
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { self.timedOut() }
        }
        sendOn(time)
    }

    /// The calling task was cancelled, perhaps before `start`, perhaps after the call has ended.
    func cancel(_ token: CancelToken) {
        switch state {
        case .idle: cancelled = token
        case .waiting(let pending) where pending.call.token === token,
            .collecting(let pending, _) where pending.call.token === token:
            failure = .connectionLost(reason: "the request was cancelled")
            context?.close(promise: nil)
        case .waiting, .collecting, .streaming, .upgraded, .closed: break
        }
    }

    private func received(_ head: HTTPResponseHead, _ pending: Pending) {
        if let handshake = pending.call.handshake, handshake.accepts(head) {
            upgrade(pending, subprotocol: head.headers.first(name: "sec-websocket-protocol"))
            return
        }
        var pending = pending
        pending.keepAlive = pending.keepAlive && head.isKeepAlive && pending.call.handshake == nil
        let fields = head.headers.map { (name: $0.name, value: $0.value) }
        let response = HTTPResponse(Int(head.status.code), headers: HTTP.HTTPHeaders(fields))
        let length = head.headers.first(name: "content-length").flatMap { Int($0) }
        let isBare = pending.call.head.method == .HEAD || !ResponseHead.mayHaveBody(response.status)
        if let length, !isBare, let least = pending.call.limits.streamsBodiesOver, length > least {
            stream(response, pending)
        } else if let length, !isBare, length > pending.call.limits.bodyBytes {
            failure = .bodyTooLarge(limit: pending.call.limits.bodyBytes)
            context?.close(promise: nil)
        } else if isBare || length != nil {
            if let length, !isBare { collected.reserveCapacity(length) }
            state = .collecting(pending, response)
        } else {
            stream(response, pending)
        }
    }

    private func stream(_ response: HTTPResponse, _ pending: Pending) {
        guard let context else { return }
        timer?.cancel()
        timer = nil
        // Weak: a body that nobody reads must not hold the connection, nor the connection itself.
        let body = ResponseBody(
            onDrain: { [weak self] in self?.drained() },
            onAbandon: { [weak self] in self?.context?.close(promise: nil) })
        state = .streaming(body, connection: pending.connection, keepAlive: pending.keepAlive)
        var response = response
        response.body = .stream(body.stream(on: context.eventLoop))
        pending.continuation.resume(returning: .response(response))
    }

    private func drained() {
        guard heldRead else { return }
        heldRead = false
        context?.read()
    }

    /// The response has ended; the connection is kept or closed.
    private func release(_ connection: ClientConnection, keepAlive: Bool) {
        timer?.cancel()
        timer = nil
        state = .idle
        used = true
        // An answer that came before the end of the body leaves nothing to go on with.
        if !keepAlive || outgoing != nil || !pool.keep(connection) { context?.close(promise: nil) }
        drained()
    }

    private func upgrade(_ pending: Pending, subprotocol: String?) {
        guard let context else { return }
        timer?.cancel()
        timer = nil
        state = .upgraded
        let channel = context.channel
        ClientConnector.letPeerPause(channel)
        // Later, because the decoder that must go is the one calling.
        context.eventLoop.assumeIsolated().execute {
            let session = WebSocketUpgrade.install(
                on: channel, masks: true, limit: pending.call.limits.webSocketMessageBytes, onInactive: {})
            pending.connection.keepSession(session)
            var response = HTTPResponse(101)
            response.headers["Sec-WebSocket-Protocol"] = subprotocol
            pending.continuation.resume(returning: .response(response))
        }
    }

    private func timedOut() {
        timer = nil
        if case .waiting(let pending) = state { failure = .timedOut(after: pending.call.limits.totalTime) }
        if case .collecting(let pending, _) = state { failure = .timedOut(after: pending.call.limits.totalTime) }
        context?.close(promise: nil)
    }

    private var connectionLost: HTTPError {
        .connectionLost(reason: cause ?? "\(endpoint) has closed the connection")
    }

    private func ended() {
        timer?.cancel()
        timer = nil
        let before = state
        state = .closed
        outgoing = nil
        collected = []
        let lost = failure ?? connectionLost
        switch before {
        case .waiting(let pending):
            pending.continuation.resume(returning: used && failure == nil ? .stale(lost) : .failed(lost))
        case .collecting(let pending, _): pending.continuation.resume(returning: .failed(lost))
        case .streaming(let body, _, _): body.finish(.failure(lost))
        case .idle, .upgraded, .closed: break
        }
    }
}
