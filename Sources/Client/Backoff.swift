/// Waiting times that grow from failure to failure. Pure; the caller adds jitter.
package struct Backoff: Sendable, Hashable {
    package let base: Duration
    package let limit: Duration
    private(set) package var failures = 0

    package init(base: Duration, limit: Duration) {
        self.base = base
        self.limit = limit
    }

    /// The time to wait after one more failure: `base`, doubled for each failure before, at most `limit`.
    package mutating func next() -> Duration {
        defer { failures = min(failures + 1, 1_000) }
        return Self.delay(afterFailures: failures, base: base, limit: limit)
    }

    package mutating func reset() {
        failures = 0
    }

    package static func delay(afterFailures failures: Int, base: Duration, limit: Duration) -> Duration {
        var delay = base
        for _ in 0..<min(max(0, failures), 64) {
            if delay >= limit { return limit }
            delay += delay
        }
        return min(delay, limit)
    }
}
