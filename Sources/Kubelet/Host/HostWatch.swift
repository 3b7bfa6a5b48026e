import APIMachinery
import CRI
import Glibc
import Linux
import Logging
import Synchronization

/// The one place that knows what is wrong with this machine: takes observations from all parts, logs each transition once, and tells who waits for
/// one.
package final class HostWatch: Sendable {
    private let time: any TimeSource
    private let logger: Logger
    private let health = Mutex(HostHealth())
    private let transitions = Broadcast()
    private let recoveries = Broadcast()
    private let episodes = Mutex<[HostEpisode]>([])

    /// Faults that are over and were not taken; the oldest are forgotten.
    private static let episodeLimit = 64

    package init(time: any TimeSource = SystemTime(), logger: Logger = Logger(label: "swiftlet.host")) {
        self.time = time
        self.logger = logger
    }

    package func found(_ fault: HostFault, _ message: String) {
        take(health.withLock { $0.found(fault, message, at: time.uptime()) })
    }

    package func gone(_ fault: HostFault) {
        take(health.withLock { $0.gone(fault, at: time.uptime()) })
    }

    package func has(_ fault: HostFault) -> Bool { health.withLock { $0.has(fault) } }

    package var conditions: [RuntimeStatus.Condition] { health.withLock { $0.conditions } }

    /// A value after each transition from this call on.
    func changes() -> AsyncStream<Void> { transitions.subscribe() }

    /// A value after each end of a fault: what was held up by it may be tried again at once.
    func ends() -> AsyncStream<Void> { recoveries.subscribe() }

    /// The faults that have ended since the last call.
    func takeEpisodes() -> [HostEpisode] {
        episodes.withLock { episodes in
            defer { episodes = [] }
            return episodes
        }
    }

    private func take(_ transition: HostHealth.Transition?) {
        switch transition {
        case nil: return
        case .began(let fault, let message):
            logger.error("the host is unwell", metadata: ["condition": "\(fault.rawValue)", "cause": "\(message)"])
        case .ended(let fault, let message, let duration):
            logger.info("the host is well again", metadata: ["condition": "\(fault.rawValue)", "after": "\(duration)"])
            let episode = HostEpisode(fault: fault, message: message, duration: duration)
            episodes.withLock { $0 = $0.suffix(Self.episodeLimit - 1) + [episode] }
            recoveries.send()
        }
        transitions.send()
    }
}
