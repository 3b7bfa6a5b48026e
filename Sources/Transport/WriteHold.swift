import NIOCore

/// Holds what is written while the HTTP response decoder leaves the pipeline, one turn of the event loop: that decoder reads along with all
/// writes as requests, and a WebSocket frame ends the process there. The frames held are those that answer frames which came together
/// with the 101 response: pongs and the closing frame.
final class WriteHold: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []
    private var close: (mode: CloseMode, promise: EventLoopPromise<Void>?)?
    private var isHolding = true
    private var needsFlush = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        for write in held { write.promise?.fail(ChannelError.ioOnClosedChannel) }
        close?.promise?.fail(ChannelError.alreadyClosed)
        held = []
        close = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isHolding { held.append((data, promise)) } else { context.write(data, promise: promise) }
    }

    func flush(context: ChannelHandlerContext) {
        if isHolding { needsFlush = true } else { context.flush() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isHolding, close == nil else { return context.close(mode: mode, promise: promise) }
        close = (mode, promise)
    }

    /// The decoder is gone.
    func release() {
        guard isHolding, let context else { return }
        isHolding = false
        for write in held { context.write(write.data, promise: write.promise) }
        held = []
        if needsFlush { context.flush() }
        if let close { context.close(mode: close.mode, promise: close.promise) }
        close = nil
    }
}
