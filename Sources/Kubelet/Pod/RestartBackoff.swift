import CRI

/// How long a container that keeps ending waits before it is started again: at once the first time, then 10 s doubling to 300 s, and from the
/// start again once it ran for 10 minutes (upstream's curve). Pure: times come from the caller, on the monotonic clock.
///
/// The wait is noted with each run too, so that a daemon that starts meanwhile goes on from there.
struct RestartBackoff: Sendable, Hashable {
    static let initial = Duration.seconds(10)
    static let limit = Duration.seconds(300)
    static let resetAfter = Duration.seconds(600)

    /// The wait after the next end; zero before the first.
    private(set) var delay = Duration.zero
    private var lastStart: Duration?

    init() {}

    /// Of a container that an earlier daemon started; nil where it had no reason to wait.
    init?(resuming status: ContainerStatus?) {
        guard let status, let delay = Self.noted(in: status) else { return nil }
        self.delay = delay
    }

    /// When a container that ended at `end` may start again.
    func earliestStart(endedAt end: Duration) -> Duration {
        if let lastStart, end - lastStart >= Self.resetAfter { return end }
        return end + delay
    }

    /// Notes a start, or a failed attempt at one.
    mutating func started(at now: Duration, previousEnd: Duration?) {
        let run = lastStart.flatMap { start in previousEnd.map { $0 - start } }
        delay = Self.delay(after: delay, run: run ?? .zero)
        lastStart = now
    }

    /// Notes when a run began that an earlier daemon started.
    mutating func resumed(startedAt start: Duration) {
        if lastStart == nil { lastStart = start }
    }

    private static func delay(after delay: Duration, run: Duration) -> Duration {
        delay == .zero || run >= resetAfter ? initial : min(delay * 2, limit)
    }

    // MARK: Noted with a run

    /// What is noted with the run that follows `last`: the wait after its end.
    static func note(after last: ContainerStatus) -> [String: String] {
        // One whose program could not be executed has never started.
        let run = last.startedAt > 0 ? Duration.nanoseconds(max(0, last.finishedAt &- last.startedAt)) : .zero
        let delay = delay(after: noted(in: last) ?? .zero, run: run)
        return [ContainerLabel.restartDelay: String(delay.components.seconds)]
    }

    private static func noted(in status: ContainerStatus) -> Duration? {
        guard let seconds = status.annotations[ContainerLabel.restartDelay].flatMap({ Int64($0) }), seconds > 0 else {
            return nil
        }
        return min(.seconds(seconds), limit)
    }
}
