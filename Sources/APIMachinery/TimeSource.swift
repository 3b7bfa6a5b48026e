import Glibc

/// Where a component gets its time from, so that a test can hold the clock.
package protocol TimeSource: Sendable {
    /// Wall-clock time, for what users read.
    func now() -> Timestamp
    /// Time that never goes back, for measuring and deadlines; its zero is arbitrary.
    func uptime() -> Duration
    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
    /// A value after each time that the wall clock was set, forwards or backwards, from this call on. What comes before the last was taken is
    /// one with it. Never ends by itself.
    func clockChanges() -> AsyncStream<Void>
}

extension TimeSource {
    /// Of a clock that nobody sets.
    package func clockChanges() -> AsyncStream<Void> { AsyncStream { _ in } }

    /// Calls `body` until the task is cancelled: at once, then after as long as it said, and whenever the wall clock was set since.
    package func keep(_ body: @Sendable () async -> Duration) async {
        while !Task.isCancelled {
            let changes = clockChanges()
            await pause(for: await body(), orUntil: changes)
        }
    }

    /// Returns after `duration`, when `changes` has a value, or when the task is cancelled.
    package func pause(for duration: Duration, orUntil changes: AsyncStream<Void>) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await sleep(for: duration)
                return true
            }
            group.addTask {
                for await _ in changes { return true }
                return false
            }
            while let isOver = await group.next(), !isOver {}
            group.cancelAll()
        }
    }
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
