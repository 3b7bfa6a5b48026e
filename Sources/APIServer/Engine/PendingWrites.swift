import APIMachinery
import Store
import Synchronization

/// The writes that the store has not answered, and for how long requests wait for them.
///
/// A disk that stalls holds a write in the kernel, from where nobody can call it back: its request is answered when its time is over, while the
/// write waits on and may still be done. Once one has waited for `limit` the disk counts as stalled until all such are answered; requests
/// are then refused before they write, so that no more writes wait than came within `limit`.
final class PendingWrites: Sendable {
    private struct Waiting {
        let start: Duration
        let deadline: Duration
        /// nil once the request was answered.
        var continuation: CheckedContinuation<Result<Revision, StoreError>?, Never>?
    }

    private struct State {
        var waiting: [UInt64: Waiting] = [:]
        /// Those that have waited for longer than the limit.
        var overdue: Set<UInt64> = []
        var nextID: UInt64 = 0
    }

    /// How long an ordinary request waits.
    let limit: Duration
    private let store: any KeyValueStore
    private let time: any TimeSource
    private let executor: (any TaskExecutor)?
    private let state = Mutex(State())

    init(to store: any KeyValueStore, limit: Duration, time: any TimeSource, executor: (any TaskExecutor)?) {
        self.store = store
        self.limit = limit
        self.time = time
        self.executor = executor
    }

    var hasStalled: Bool { state.withLock { !$0.overdue.isEmpty } }

    /// The store's answer; nil where none came within `patience` (to about a second: `expire` says when).
    func result(of write: Write, within patience: Duration) async -> Result<Revision, StoreError>? {
        let start = time.uptime()
        return await withCheckedContinuation { continuation in
            let id = state.withLock { state in
                state.nextID &+= 1
                state.waiting[state.nextID] = Waiting(
                    start: start, deadline: start + patience, continuation: continuation)
                return state.nextID
            }
            Task(executorPreference: executor) { self.finish(id, await self.answer(to: write)) }
        }
    }

    private func answer(to write: Write) async -> Result<Revision, StoreError> {
        do throws(StoreError) {
            return .success(try await store.write(write))
        } catch {
            return .failure(error)
        }
    }

    private func finish(_ id: UInt64, _ result: Result<Revision, StoreError>) {
        let waiting = state.withLock { state in
            state.overdue.remove(id)
            return state.waiting.removeValue(forKey: id)
        }
        waiting?.continuation?.resume(returning: result)
    }

    /// Answers those whose time is up. Called about once a second.
    func expire(uptime: Duration) {
        let expired = state.withLock { state in
            var expired: [CheckedContinuation<Result<Revision, StoreError>?, Never>] = []
            for (id, waiting) in state.waiting {
                if waiting.start + limit <= uptime { state.overdue.insert(id) }
                guard waiting.deadline <= uptime, let continuation = waiting.continuation else { continue }
                state.waiting[id]?.continuation = nil
                expired.append(continuation)
            }
            return expired
        }
        for continuation in expired { continuation.resume(returning: nil) }
    }
}
