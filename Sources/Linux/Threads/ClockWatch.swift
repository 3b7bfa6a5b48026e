import CKernel
import Synchronization

/// Tells when the wall clock is set, forwards or backwards, or the machine wakes up: the kernel says so (timerfd_create(2)), nothing polls.
package final class ClockWatch: Sendable {
    private struct State {
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var last: UInt64 = 0
    }

    private let timer: Descriptor
    private let state = Mutex(State())

    /// Watches as long as the process lives.
    package init(events: EventThread) throws(KernelError) {
        let raw = ck_clock_watch()
        guard raw >= 0 else { throw KernelError("timerfd", "the wall clock", -raw) }
        timer = Descriptor(owning: raw)
        _ = try events.watch(raw, for: .read) { self.take() }
    }

    /// A value after each change from this call on; several that nobody has taken are one.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.last += 1
            state.listeners[state.last] = continuation
            return state.last
        }
        continuation.onTermination = { _ in self.state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
        return stream
    }

    private func take() {
        guard ck_clock_rearm(timer.raw) == 1 else { return }
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }
}
