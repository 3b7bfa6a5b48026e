import CRI
import OCI
import Synchronization

/// Lets tasks through one at a time for each digest: a layer that two images share is fetched once, and others are not held up by it. A task that is
/// cancelled waits no longer: an error then.
final class KeyedTurns: Sendable {
    private struct Entry {
        var turn = Turn()
        var users = 0
    }

    private let entries = Mutex<[Digest: Entry]>([:])

    /// How many tasks wait for a digest's turn.
    func waiting(for key: Digest) -> Int { entries.withLock { $0[key]?.turn.waiting ?? 0 } }

    func take<Value: Sendable>(
        _ key: Digest, _ body: @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let turn = entries.withLock { entries in
            entries[key, default: Entry()].users += 1
            return entries[key, default: Entry()].turn
        }
        defer {
            entries.withLock { entries in
                entries[key]?.users -= 1
                if entries[key]?.users == 0 { entries[key] = nil }
            }
        }
        return try await turn.takeUnlessCancelled(body)
    }
}
