import Glibc

/// Where a component gets its time from, so that a test can hold the clock.
package protocol TimeSource: Sendable {
    /// Wall-clock time, for what users read.
    func now() -> Timestamp
    /// Time that never goes back, for measuring and deadlines; its zero is arbitrary.
    func uptime() -> Duration
    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The machine's own clocks.
package struct SystemTime: TimeSource {
    package init() {}

    package func now() -> Timestamp {
        .init(readClock(CLOCK_REALTIME))
    }

    package func uptime() -> Duration {
        readClock(CLOCK_MONOTONIC)
    }

    package func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    private func readClock(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
