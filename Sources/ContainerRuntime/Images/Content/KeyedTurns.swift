import CRI
import Synchronization

/// Lets tasks through one at a time for each key, and holds up none with another key. A task that is cancelled waits no longer, nor one whose
/// patience is at its end: an error then.
package final class KeyedTurns<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var turn = Turn()
        var users = 0
    }

    private let entries = Mutex<[Key: Entry]>([:])

    package init() {}

    /// How many tasks wait for a key's turn.
    package func waiting(for key: Key) -> Int { entries.withLock { $0[key]?.turn.waiting ?? 0 } }

    package func take<Value: Sendable>(
        _ key: Key, _ patience: Patience? = nil, _ body: @Sendable () async throws(CRIError) -> Value
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
        return try await turn.takeUnlessCancelled(patience, body)
    }
}
