import HTTP
import NIOCore
import NIOHTTP1

/// Writing what the task that answers sends.
extension RequestHandler {
    func respond(_ response: HTTPResponse, parts: [[UInt8]], to id: UInt64) {
        guard let answer = current(id), let context else { return }
        let total = parts.reduce(0) { $0 + $1.count }
        trailers = response.trailers?()
        let head = ResponseHead.make(
            response, framing: trailers == nil ? .length(total) : .open, answering: answer.head,
            closing: closes(answer.head))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        outgoing = OutgoingParts(
            answer.head.method != .HEAD && ResponseHead.mayHaveBody(response.status) ? parts : [])
        pump()
    }

    /// Writes what is left of a body as far as the socket takes it, then ends the response.
    func pump() {
        guard outgoing != nil, !pumping, case .answering(let answer) = state, let context else { return }
        pumping = true
        defer { pumping = false }
        // A flush may find the client gone, or make the channel writable again from within.
        while current(answer.id) != nil, context.channel.isWritable {
            guard let piece = outgoing?.next(limit: Self.pieceBytes, allocator: context.channel.allocator) else {
                outgoing = nil
                watchStall(false)
                finish(answer, context: context)
                return
            }
            let isLast = piece.readableBytes < Self.pieceBytes
            context.write(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil)
            // The last piece goes out with the end, if it still can.
            if !isLast || !context.channel.isWritable { context.flush() }
        }
        if current(answer.id) != nil { watchStall(true) }
    }

    func begin(_ response: HTTPResponse, to id: UInt64) {
        guard let answer = current(id), let context else { return }
        let head = ResponseHead.make(response, framing: .open, answering: answer.head, closing: closes(answer.head))
        // Flushed, because the first chunk of a watch may be long in coming.
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    func write(_ bytes: [UInt8], to id: UInt64) {
        guard let answer = current(id), let context else { return }
        if answer.head.method != .HEAD, !bytes.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: bytes)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        // The write may have found the client gone, and the answer with it.
        current(id)?.gate.set(open: context.channel.isWritable)
    }

    func write(_ bytes: [UInt8], to id: UInt64, then continuation: CheckedContinuation<Bool, Never>) {
        write(bytes, to: id)
        guard current(id) != nil, let context, context.channel.isActive, writer == nil else {
            continuation.resume(returning: false)
            return
        }
        if context.channel.isWritable {
            continuation.resume(returning: true)
            return
        }
        writer = continuation
        watchStall(true)
    }

    /// Cuts a client that takes nothing for too long.
    func watchStall(_ isStalled: Bool) {
        stall?.cancel()
        stall = nil
        guard isStalled else { return }
        cut(in: service.limits.stallTime)
    }

    /// Whoever waits to write is to end: one that reads has what was written in a moment.
    func hurry(_ id: UInt64) {
        guard current(id) != nil, writer != nil else { return }
        stall?.cancel()
        cut(in: service.limits.partingTime)
    }

    private func cut(in time: Duration) {
        stall = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.context?.close(promise: nil)
        }
    }

    func end(_ id: UInt64, trailers: HTTP.HTTPHeaders?) {
        guard let answer = current(id), let context else { return }
        self.trailers = trailers
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

    /// To SPDY/3.1 in a WebSocket where that is asked for, else to SPDY/3.1 itself.
    func upgradeToStreams(_ id: UInt64, _ name: String) -> SPDYCarrier? {
        guard let answer = current(id) else { return nil }
        if SPDYUpgrade.isWebSocket(answer.head) {
            return upgrade(id, subprotocol: SPDYUpgrade.subprotocol(name)).map { .webSocket($0) }
        }
        guard let context, connectionGuard != nil, let head = SPDYUpgrade.response(to: answer.head, name) else {
            let refusal = RequestService.plain(400, "this needs HTTP/1.1 with an upgrade to SPDY/3.1 or a WebSocket")
            respond(refusal, parts: refusal.parts, to: id)
            return nil
        }
        service.release(answer.bodyBytes)
        state = .upgraded
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        let task = task
        self.task = nil
        context.channel.closeFuture.whenComplete { _ in task?.cancel() }
        return SPDYUpgrade.install(on: context.channel).map { .channel($0) }
    }

    /// Ends the response. The state changes first: writing the end may deliver the next pipelined request from within.
    func finish(_ answer: Answer, context: ChannelHandlerContext) {
        service.release(answer.bodyBytes)
        task = nil
        let closing = closes(answer.head)
        state = closing ? .refusing : .idle
        connectionGuard?.enter(closing ? .closing : .idle)
        let last = trailers.map { NIOHTTP1.HTTPHeaders($0.fields.map { ($0.name, $0.value) }) }
        trailers = nil
        context.writeAndFlush(wrapOutboundOut(.end(last)), promise: nil)
        if closing { context.close(mode: .output, promise: nil) }
    }

    /// Whether the connection cannot be used again: the client says so, or asked for an upgrade that it did not get.
    func closes(_ head: HTTPRequestHead) -> Bool {
        guard connectionGuard != nil else { return false }
        return !head.isKeepAlive || WebSocketUpgrade.isUpgrade(head)
    }

    func current(_ id: UInt64) -> Answer? {
        if case .answering(let answer) = state, answer.id == id { answer } else { nil }
    }

    func resumeWriter(_ alive: Bool) {
        watchStall(false)
        guard let writer else { return }
        self.writer = nil
        writer.resume(returning: alive)
    }

    func clientGone() {
        if case .answering(let answer) = state {
            answer.gate.set(open: false)
            service.release(answer.bodyBytes)
        }
        outgoing = nil
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
