import HTTP
import NIOCore
import NIOHTTP1

/// The end of a channel's pipeline: an HTTP/1 connection, or one stream of an HTTP/2 connection. Collects a request, starts the task that
/// answers it, and writes what the task sends. One request at a time; lives on the channel's event loop.
final class RequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    enum State {
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
    struct Answer {
        let id: UInt64
        let head: HTTPRequestHead
        let bodyBytes: Int
        let gate: FlowGate
    }

    /// Bodies go to the socket in pieces of this size.
    static let pieceBytes = 64 << 10

    let service: RequestService
    private let peer: Peer
    /// The HTTP/1 connection's guard; nil on an HTTP/2 stream.
    let connectionGuard: ConnectionGuard?
    var state = State.idle
    /// Outside of the state, so that a growing body is never copied.
    var input: RequestInput?
    private var lastID: UInt64 = 0
    var task: Task<Void, Never>?
    var writer: CheckedContinuation<Bool, Never>?
    /// What is left of a body in parts.
    var outgoing: OutgoingParts?
    /// Sent with the end of the body.
    var trailers: HTTP.HTTPHeaders?
    var pumping = false
    var stall: Scheduled<Void>?
    var bodyTimer: Scheduled<Void>?
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
        if case .answering(let answer) = state { answer.gate.set(open: context.channel.isWritable) }
        if context.channel.isWritable {
            resumeWriter(true)
            pump()
        }
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
        let gate = FlowGate()
        state = .answering(Answer(id: lastID, head: input.head, bodyBytes: input.body.count, gate: gate))
        let exchange = Exchange(
            eventLoop: context.eventLoop, handler: NIOLoopBound(self, eventLoop: context.eventLoop), id: lastID,
            gate: gate)
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
        let response = service.refusal(status, text)
        var body: [UInt8] = []
        if case .parts(let parts) = response.body { body = parts.flatMap { $0 } }
        let trailers = response.trailers?()
        let answer = ResponseHead.make(
            response, framing: trailers == nil ? .length(body.count) : .open, answering: head,
            closing: connectionGuard != nil)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        connectionGuard?.enter(.closing)
        let last = trailers.map { NIOHTTP1.HTTPHeaders($0.fields.map { ($0.name, $0.value) }) }
        context.writeAndFlush(wrapOutboundOut(.end(last)), promise: nil)
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
