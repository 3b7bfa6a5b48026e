import HTTP
import NIOCore
import NIOWebSocket

/// The end of a channel that carries a WebSocket. Reads only as fast as messages are received. Lives on the channel's event loop.
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private enum Phase {
        case open
        /// A close frame was sent; the peer's is awaited, not for long.
        case closing
        case closed
    }

    /// Messages not yet received hold at most this many bytes, and one message more; then the socket is not read.
    private static let inboxBytes = 256 << 10
    private static let closeTime = TimeAmount.seconds(3)

    private let masks: Bool
    private let onInactive: () -> Void
    private var assembler: WebSocketAssembler
    private var phase = Phase.open
    private var inbox: [WebSocketMessage] = []
    private var inboxSize = 0
    private var failure: HTTPError?
    private var reader: CheckedContinuation<WebSocketMessage?, any Error>?
    private var readerToken: CancelToken?
    private var writers: [CheckedContinuation<Bool, Never>] = []
    private var closers: [CheckedContinuation<Void, Never>] = []
    private var reading = false
    /// The answer to the last ping, as long as the peer does not take what is written before it (RFC 6455, 5.5.3: the last is enough).
    private var latePong: [UInt8]?
    private var closeTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(masks: Bool, limit: Int, onInactive: @escaping () -> Void) {
        self.masks = masks
        self.onInactive = onInactive
        assembler = WebSocketAssembler(limit: limit, expectsMask: !masks)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .closed else { return }
        switch assembler.take(unwrapInboundIn(data)) {
        case .wait: break
        case .message(let message): deliver(message)
        case .pong(let payload): pong(payload, context)
        case .closed(let code):
            if phase == .open { writeClose(code) }
            finish()
        case .fail(let code): fail(code)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        reading = false
        readMore()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            resumeWriters(true)
            if let payload = latePong { pong(payload, context) }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOWebSocketError {
        case .invalidFrameLength?: fail(1009)
        case .some: fail(1002)
        case nil: context.close(promise: nil)
        }
    }

    /// The channel had gone before this could be its end: nobody else will tell.
    func abandon() { ended() }

    /// Asks the socket for more unless a read is under way or enough is waiting. Not held up by what the peer does not take: it may be waiting for the
    /// same from here.
    func readMore() {
        guard !reading, phase != .closed, inboxSize < Self.inboxBytes, let context else { return }
        reading = true
        context.read()
    }
}

// MARK: The session's side

extension WebSocketHandler {
    func receive(_ continuation: CheckedContinuation<WebSocketMessage?, any Error>, _ token: CancelToken) {
        if !inbox.isEmpty {
            let message = inbox.removeFirst()
            inboxSize -= message.size
            continuation.resume(returning: message)
            readMore()
        } else if let failure {
            continuation.resume(throwing: failure)
        } else if phase != .open {
            continuation.resume(returning: nil)
        } else if reader != nil {
            continuation.resume(throwing: HTTPError.malformed("a WebSocket is received by one task at a time"))
        } else {
            reader = continuation
            readerToken = token
        }
    }

    func cancelReceive(_ token: CancelToken) {
        guard readerToken === token else { return }
        let waiting = reader
        reader = nil
        waiting?.resume(throwing: CancellationError())
    }

    func send(_ message: WebSocketMessage, then continuation: CheckedContinuation<Bool, Never>) {
        guard phase == .open, let context else {
            continuation.resume(returning: false)
            return
        }
        switch message {
        case .binary(let bytes): write(.binary, bytes)
        case .text(let text): write(.text, Array(text.utf8))
        }
        if phase != .open || context.channel.isWritable {
            continuation.resume(returning: phase == .open)
        } else {
            writers.append(continuation)
        }
    }

    func close(_ code: UInt16, then continuation: CheckedContinuation<Void, Never>) {
        guard phase != .closed, context != nil else {
            continuation.resume()
            return
        }
        closers.append(continuation)
        if phase == .open { writeClose(code) }
        reading = false
        readMore()
    }
}

// MARK: What follows

extension WebSocketHandler {
    private func deliver(_ message: WebSocketMessage) {
        guard phase == .open else { return }
        if let reader {
            self.reader = nil
            reader.resume(returning: message)
        } else {
            inbox.append(message)
            inboxSize += message.size
        }
    }

    /// At once, or in place of one that waits: pings cost no memory.
    private func pong(_ payload: [UInt8], _ context: ChannelHandlerContext) {
        guard phase == .open else { return }
        latePong = context.channel.isWritable ? nil : payload
        if latePong == nil { write(.pong, payload) }
    }

    private func fail(_ code: UInt16) {
        failure = .malformed("the WebSocket's peer broke the protocol (close code \(code))")
        if phase == .open { writeClose(code) }
        finish()
    }

    private func write(_ opcode: WebSocketOpcode, _ bytes: [UInt8]) {
        guard let context else { return }
        let frame = WebSocketFrame(
            fin: true, opcode: opcode, maskKey: masks ? .random() : nil,
            data: context.channel.allocator.buffer(bytes: bytes))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    private func writeClose(_ code: UInt16) {
        write(.connectionClose, [UInt8(code >> 8), UInt8(code & 0xFF)])
        guard phase == .open, let context else { return }
        phase = .closing
        // No more messages will come to whoever waits.
        endReader()
        resumeWriters(false)
        closeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTime) { self.finish() }
    }

    /// Ends the connection once what was written is on its way.
    private func finish() {
        guard phase != .closed else { return }
        let context = context
        ended(cancelling: false)
        context?.close(promise: nil)
    }

    private func ended(cancelling: Bool = true) {
        closeTimer?.cancel()
        closeTimer = nil
        let wasOpen = phase == .open
        phase = .closed
        if wasOpen, failure == nil { failure = .connectionLost(reason: "the WebSocket ended without a close frame") }
        endReader()
        resumeWriters(false)
        let waiting = closers
        closers = []
        for closer in waiting { closer.resume() }
        if cancelling { onInactive() }
    }

    private func endReader() {
        guard let reader else { return }
        self.reader = nil
        if let failure { reader.resume(throwing: failure) } else { reader.resume(returning: nil) }
    }

    private func resumeWriters(_ alive: Bool) {
        let waiting = writers
        writers = []
        for writer in waiting { writer.resume(returning: alive) }
    }
}

extension WebSocketMessage {
    /// With what a message takes beside its bytes, so that empty ones are bounded too.
    fileprivate var size: Int {
        switch self {
        case .binary(let bytes): 64 + bytes.count
        case .text(let text): 64 + text.utf8.count
        }
    }
}
