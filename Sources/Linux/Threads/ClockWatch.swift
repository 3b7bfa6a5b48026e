import CKernel

/// Tells when the wall clock is set, forwards or backwards, or the machine wakes up: the kernel says so (timerfd_create(2)), nothing polls.
package final class ClockWatch: Sendable {
    private let timer: Descriptor
    private let changed = Broadcast()

    /// Watches as long as the process lives.
    package init(events: EventThread) throws(KernelError) {
        let raw = ck_clock_watch()
        guard raw >= 0 else { throw KernelError("timerfd", "the wall clock", -raw) }
        timer = Descriptor(owning: raw)
        _ = try events.watch(raw, for: .read) { self.take() }
    }

    /// A value after each change from this call on.
    package func changes() -> AsyncStream<Void> { changed.subscribe() }

    private func take() {
        if ck_clock_rearm(timer.raw) == 1 { changed.send() }
    }
}
