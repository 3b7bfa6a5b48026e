import HTTP
import NIOCore
import NIOHTTP1

/// The end of a channel's pipeline: an HTTP/1 connection, or one stream of an HTTP/2 connection. Collects a request, starts the task that
/// answers it, and writes what the task sends. One request at a time; lives on the channel's event loop.
final class RequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// `input` is being filled.
        case receiving
        /// The request was refused before its end; what still comes is dropped and the connection closes.
        case refusing
        case answering(Answer)
        /// The channel now carries a WebSocket.
        case upgraded
    }

    /// A request that is being answered.
    private struct Answer {
        let id: UInt64
        let head: HTTPRequestHead
        let bodyBytes: Int
        var begun = false
    }

    private let service: RequestService
    private let peer: Peer
    /// The HTTP/1 connection's guard; nil on an HTTP/2 stream.
    private let connectionGuard: ConnectionGuard?
    private var state = State.idle
    /// Outside of the state, so that a growing body is never copied.
    private var input: RequestInput?
    private var lastID: UInt64 = 0
    private var task: Task<Void, Never>?
    private var writer: CheckedContinuation<Bool, Never>?
    private var stall: Scheduled<Void>?
    private var bodyTimer: Scheduled<Void>?
    private(set) var context: ChannelHandlerContext?

    init(service: RequestService, peer: Peer, connectionGuard: ConnectionGuard?) {
        self.service = service
        self.peer = peer
        self.connectionGuard = connectionGuard
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if case .upgraded = state {} else { clientGone() }
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        clientGone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        service.logger.debug("connection failed", metadata: ["error": "\(error)"])
        let parsing = error as? HTTPParserError
        switch state {
        case .idle where parsing != nil, .receiving where parsing != nil:
            refuse(parsing == .headerOverflow ? 431 : 400, "the request is malformed: \(error)")
        default: context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { resumeWriter(true) }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): received(head)
        case (.body(let buffer), .receiving): take(buffer)
        case (.end, .receiving): answer()
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .receiving = state, bodyTimer == nil {
            bodyTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(service.limits.bodyTime)) {
                self.bodyTimedOut()
            }
        }
        context.fireChannelReadComplete()
    }
}

// MARK: Receiving

extension RequestHandler {
    private func received(_ head: HTTPRequestHead) {
        connectionGuard?.enter(.busy)
        let input = RequestInput(head: head)
        self.input = input
        state = .receiving
        if let length = input.declaredLength, length > service.limits.bodyBytes {
            refuse(413, "the body is over the limit of \(service.limits.bodyBytes) bytes")
            return
        }
        if input.expectsContinue, let context {
            let response = HTTPResponseHead(version: head.version, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
        }
    }

    private func take(_ buffer: ByteBuffer) {
        let count = buffer.readableBytes
        guard (input?.body.count ?? 0) + count <= service.limits.bodyBytes else {
            refuse(413, "the body is over the limit of \(service.limits.bodyBytes) bytes")
            return
        }
        guard service.reserve(count) else {
            refuse(503, "too many request bodies at one time; try again later")
            return
        }
        input?.append(buffer)
    }

    private func bodyTimedOut() {
        bodyTimer = nil
        if case .receiving = state { refuse(408, "the body did not come within \(service.limits.bodyTime)") }
    }

    private func answer() {
        guard let context, let input else { return }
        bodyTimer?.cancel()
        bodyTimer = nil
        guard let request = input.request(peer: peer) else {
            refuse(400, "the request's target or method is not supported")
            return
        }
        self.input = nil
        lastID &+= 1
        state = .answering(Answer(id: lastID, head: input.head, bodyBytes: input.body.count))
        let exchange = Exchange(
            eventLoop: context.eventLoop, handler: NIOLoopBound(self, eventLoop: context.eventLoop), id: lastID)
        task = service.start(request, on: exchange)
    }

    /// Answers without the handler and closes.
    private func refuse(_ status: Int, _ text: String) {
        var version = HTTPVersion.http1_1
        if let input {
            service.release(input.body.count)
            version = input.head.version
            self.input = nil
        }
        bodyTimer?.cancel()
        bodyTimer = nil
        state = .refusing
        guard let context else { return }
        let head = HTTPRequestHead(version: version, method: .GET, uri: "/")
        let response = RequestService.plain(status, text)
        write(response, parts: response.parts, answering: head, closing: connectionGuard != nil, context: context)
        connectionGuard?.enter(.closing)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if connectionGuard != nil {
            context.close(mode: .output, promise: nil)
        } else {
            // A stream that the client does not end by itself is reset.
            bodyTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(service.limits.handshakeTime)) {
                self.context?.close(promise: nil)
            }
        }
    }
}

// MARK: Answering

extension RequestHandler {
    func respond(_ response: HTTPResponse, parts: [[UInt8]], to id: UInt64) {
        guard let answer = current(id), let context else { return }
        write(response, parts: parts, answering: answer.head, closing: closes(answer.head), context: context)
        finish(answer, context: context)
    }

    func begin(_ response: HTTPResponse, framing: ResponseHead.Framing, to id: UInt64) {
        guard var answer = current(id), let context else { return }
        answer.begun = true
        state = .answering(answer)
        let head = ResponseHead.make(
            response, framing: framing, answering: answer.head, closing: closes(answer.head))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        // The first chunk of a watch may be long in coming.
        if framing == .open { context.flush() }
    }

    func write(_ bytes: ArraySlice<UInt8>, to id: UInt64, then continuation: CheckedContinuation<Bool, Never>) {
        guard let answer = current(id), let context, writer == nil else {
            continuation.resume(returning: false)
            return
        }
        if answer.head.method != .HEAD, !bytes.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: bytes)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        // The write itself may have found the client gone.
        guard current(id) != nil, context.channel.isActive else {
            continuation.resume(returning: false)
            return
        }
        if context.channel.isWritable {
            continuation.resume(returning: true)
            return
        }
        writer = continuation
        stall = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(service.limits.stallTime)) {
            self.context?.close(promise: nil)
        }
    }

    func end(_ id: UInt64) {
        guard let answer = current(id), let context else { return }
        finish(answer, context: context)
    }

    func abort(_ id: UInt64) {
        guard current(id) != nil else { return }
        context?.close(promise: nil)
    }

    func upgrade(_ id: UInt64, subprotocol: String) -> WebSocketSession? {
        guard let answer = current(id), let context else { return nil }
        guard connectionGuard != nil,
            let head = WebSocketUpgrade.response(to: answer.head, subprotocol: subprotocol, channel: context.channel)
        else {
            let refusal = RequestService.plain(400, "a WebSocket needs HTTP/1.1 with Upgrade, key and version 13")
            respond(refusal, parts: refusal.parts, to: id)
            return nil
        }
        service.release(answer.bodyBytes)
        state = .upgraded
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        let task = task
        self.task = nil
        return WebSocketUpgrade.install(
            on: context.channel, masks: false, limit: service.limits.webSocketMessageBytes,
            onInactive: { task?.cancel() })
    }

    private func write(
        _ response: HTTPResponse, parts: [[UInt8]], answering request: HTTPRequestHead, closing: Bool,
        context: ChannelHandlerContext
    ) {
        let total = parts.reduce(0) { $0 + $1.count }
        let head = ResponseHead.make(response, framing: .length(total), answering: request, closing: closing)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD, total > 0, ResponseHead.mayHaveBody(response.status) {
            var buffer = context.channel.allocator.buffer(capacity: total)
            for part in parts { buffer.writeBytes(part) }
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
    }

    /// Ends the response. The state changes first: writing the end may deliver the next pipelined request from within.
    private func finish(_ answer: Answer, context: ChannelHandlerContext) {
        service.release(answer.bodyBytes)
        task = nil
        let closing = closes(answer.head)
        state = closing ? .refusing : .idle
        connectionGuard?.enter(closing ? .closing : .idle)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if closing { context.close(mode: .output, promise: nil) }
    }

    /// Whether the connection cannot be used again: the client says so, or asked for an upgrade that it did not get.
    private func closes(_ head: HTTPRequestHead) -> Bool {
        guard connectionGuard != nil else { return false }
        return !head.isKeepAlive || WebSocketUpgrade.isUpgrade(head)
    }

    private func current(_ id: UInt64) -> Answer? {
        if case .answering(let answer) = state, answer.id == id { answer } else { nil }
    }

    private func resumeWriter(_ alive: Bool) {
        stall?.cancel()
        stall = nil
        guard let writer else { return }
        self.writer = nil
        writer.resume(returning: alive)
    }

    private func clientGone() {
        if case .answering(let answer) = state { service.release(answer.bodyBytes) }
        if let input { service.release(input.body.count) }
        input = nil
        state = .refusing
        bodyTimer?.cancel()
        bodyTimer = nil
        task?.cancel()
        task = nil
        resumeWriter(false)
    }
}
