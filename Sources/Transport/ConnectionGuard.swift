import NIOCore

/// Closes an HTTP/1 connection that dawdles: in the handshake, idle, or over a request's head. Sits where plain bytes arrive.
///
/// One timer at most is pending: moving the deadline is free, and a timer that fires early is set again.
final class ConnectionGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    enum Phase {
        case handshake
        case idle
        case head
        /// A request is being read or answered; other limits apply.
        case busy
        /// The last response is written; the client's end is awaited.
        case closing
    }

    private let limits: ServerLimits
    private(set) var phase: Phase
    private var deadline: NIODeadline?
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(limits: ServerLimits, phase: Phase) {
        self.limits = limits
        self.phase = phase
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        enter(phase)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if phase == .idle { enter(.head) }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    /// Starts a phase and its time limit.
    func enter(_ next: Phase) {
        phase = next
        guard let limit = limit(of: next) else {
            deadline = nil
            return
        }
        let until = NIODeadline.now() + limit
        deadline = until
        if timer == nil { arm(until) }
    }

    private func limit(of phase: Phase) -> TimeAmount? {
        switch phase {
        case .handshake, .closing: TimeAmount(limits.handshakeTime)
        case .idle: TimeAmount(limits.idleTime)
        case .head: TimeAmount(limits.headTime)
        case .busy: nil
        }
    }

    private func arm(_ until: NIODeadline) {
        guard let context else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: until) { self.fired() }
    }

    private func fired() {
        timer = nil
        guard let deadline, let context else { return }
        if deadline <= .now() { context.close(promise: nil) } else { arm(deadline) }
    }
}
