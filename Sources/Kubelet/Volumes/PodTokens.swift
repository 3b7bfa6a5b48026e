import APIMachinery
import Synchronization

/// The service account tokens that volumes of this node's pods hold, so that a volume which is written anew keeps its token until it is
/// time for another. One for each token source of a pod; a pod's go when its volumes do.
package final class PodTokens: Sendable {
    package struct Key: Sendable, Hashable {
        package var podUID: String
        package var audience: String?
        package var expirationSeconds: Int64

        package init(podUID: String, audience: String?, expirationSeconds: Int64) {
            self.podUID = podUID
            self.audience = audience
            self.expirationSeconds = expirationSeconds
        }
    }

    package struct Token: Sendable, Hashable {
        package var text: String
        /// On the monotonic clock.
        package var renewal: Duration

        /// A token is renewed when four fifths of its life are over, and every 24 hours.
        package init(_ text: String, lifetime: Duration, issuedAt now: Duration) {
            self.text = text
            renewal = now + min(lifetime * 4 / 5, .seconds(24 * 3600))
        }
    }

    private let tokens = Mutex<[Key: Token]>([:])

    package init() {}

    /// nil where there is none, or it is to be renewed.
    package func current(_ key: Key, at now: Duration) -> Token? {
        tokens.withLock { $0[key] }.flatMap { now < $0.renewal ? $0 : nil }
    }

    package func keep(_ token: Token, _ key: Key) {
        tokens.withLock { $0[key] = token }
    }

    /// All are to be asked for anew.
    package func forgetAll() {
        tokens.withLock { $0 = [:] }
    }

    package func forget(podUID: String) {
        tokens.withLock { tokens in tokens = tokens.filter { $0.key.podUID != podUID } }
    }
}

/// A token as the API server gave it.
struct IssuedToken: Sendable, Hashable {
    var text: String
    var expiration: Timestamp
}
