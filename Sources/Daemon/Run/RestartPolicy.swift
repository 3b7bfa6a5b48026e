import CRI

/// When a detached container is started again at its end, in docker's words: `no`, `on-failure` or `on-failure:TIMES`, `always`, `unless-stopped`. What its
/// user has stopped stays so with each; the last two are the same here.
package enum RestartPolicy: Sendable, Hashable, CustomStringConvertible {
    case no
    /// At most so often; nil: as often as it fails.
    case onFailure(times: UInt32?)
    case always
    case unlessStopped

    /// Nil for what is none.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("no", 1), ("", 1): self = .no
        case ("always", 1): self = .always
        case ("unless-stopped", 1): self = .unlessStopped
        case ("on-failure", 1): self = .onFailure(times: nil)
        case ("on-failure", 2):
            guard let times = UInt32(parts[1]) else { return nil }
            self = .onFailure(times: times == 0 ? nil : times)
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .no: "no"
        case .onFailure(nil): "on-failure"
        case .onFailure(let times?): "on-failure:\(times)"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        }
    }

    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(60)
    /// Who has run so long counts as well.
    private static let proof = Duration.seconds(10)

    /// What is waited before the next start; nil where there is none. As docker has it: 100 ms, twice as long each time, at most a minute, and from the beginning
    /// once it has run for 10 seconds.
    /// - Parameters:
    ///   - restarts: how often it was started again before.
    ///   - pause: what was waited before the last time.
    func pause(afterExit code: Int32, ran: Duration, restarts: UInt32, pause: Duration?) -> Duration? {
        switch self {
        case .no: return nil
        case .onFailure(let times): if code == 0 || restarts >= times ?? .max { return nil }
        case .always, .unlessStopped: break
        }
        guard let pause, ran < Self.proof else { return Self.shortestPause }
        return min(pause * 2, Self.longestPause)
    }
}
