import Synchronization

/// Wakes all who listen. Several signals that a listener has not taken are one for it.
package final class Broadcast: Sendable {
    private struct State {
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// A value after each signal from this call on. Never ends by itself.
    package func subscribe() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.last += 1
            state.listeners[state.last] = continuation
            return state.last
        }
        continuation.onTermination = { _ in self.state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
        return stream
    }

    package func send() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }
}
