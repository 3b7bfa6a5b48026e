/// How long a container that keeps ending waits before it is started again: at once the first time, then 10 s doubling to 300 s, and from the
/// start again once it ran for 10 minutes (upstream's curve). Pure: times come from the caller, on the monotonic clock.
struct RestartBackoff: Sendable, Hashable {
    static let initial = Duration.seconds(10)
    static let limit = Duration.seconds(300)
    static let resetAfter = Duration.seconds(600)

    /// The wait after the next end; zero before the first.
    private(set) var delay = Duration.zero
    private var lastStart: Duration?

    init() {}

    /// When a container that ended at `end` may start again.
    func earliestStart(endedAt end: Duration) -> Duration {
        if let lastStart, end - lastStart >= Self.resetAfter { return end }
        return end + delay
    }

    /// Notes a start, or a failed attempt at one.
    mutating func started(at now: Duration, previousEnd: Duration?) {
        if let lastStart, let previousEnd, previousEnd - lastStart >= Self.resetAfter { delay = .zero }
        delay = delay == .zero ? Self.initial : min(delay * 2, Self.limit)
        lastStart = now
    }
}
