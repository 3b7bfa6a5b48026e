import APIMachinery
import CRI
import Synchronization

/// What a URL that was given out stands for.
enum StreamingSession: Sendable {
    case exec(ExecRequest)
    case attach(ExecRequest)
    /// The ports that a WebSocket's channels are for; streams name their own.
    case portForward(PodSandboxStatus, ports: [UInt16])
}

/// Sessions that were asked for and have not begun. A token is good for one use, within a minute; of more than a thousand the next is refused.
final class StreamingSessions: Sendable {
    private static let limit = 1_000
    private static let lifetime = Duration.seconds(60)
    private static let tokenBytes = 16

    private let time: any TimeSource
    private let waiting = Mutex<[String: (session: StreamingSession, until: Duration)]>([:])

    init(time: any TimeSource) {
        self.time = time
    }

    /// - Returns: The token: 128 bits of chance.
    func add(_ session: StreamingSession) throws(CRIError) -> String {
        var generator = SystemRandomNumberGenerator()
        let token = (0..<Self.tokenBytes).map { _ in
            let digits = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
        let now = time.uptime()
        let isTaken = waiting.withLock { waiting in
            waiting = waiting.filter { $0.value.until > now }
            guard waiting.count < Self.limit else { return false }
            waiting[token] = (session, now + Self.lifetime)
            return true
        }
        guard isTaken else { throw .failed("\(Self.limit) sessions wait to begin: try again in a minute") }
        return token
    }

    /// nil for a token that was never given out, was used, or is too old.
    func take(_ token: String) -> StreamingSession? {
        let now = time.uptime()
        let found = waiting.withLock { $0.removeValue(forKey: token) }
        return found.flatMap { $0.until > now ? $0.session : nil }
    }
}
