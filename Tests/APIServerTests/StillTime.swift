import APIMachinery
import Synchronization

/// A clock that moves only when a test says so.
final class StillTime: TimeSource {
    private struct State {
        var elapsed: Duration = .zero
        var sleepers: [UInt64: (due: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())
    /// 2026-01-01T00:00:00Z
    private static let start = Timestamp(seconds: 1_767_225_600)

    func now() -> Timestamp { Self.start + uptime() }
    func uptime() -> Duration { state.withLock { $0.elapsed } }

    /// How many tasks wait for the clock to move.
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.sleepers[id] = (state.elapsed + duration, continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock and wakes who is due.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.elapsed += duration
            let elapsed = state.elapsed
            let due = state.sleepers.filter { $0.value.due <= elapsed }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }
}
