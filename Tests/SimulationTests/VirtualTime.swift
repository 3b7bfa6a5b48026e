import APIMachinery
import Synchronization

/// A clock that the simulation moves to the next sleeper's time once nothing else can run.
final class VirtualTime: TimeSource {
    private struct Sleeper {
        var due: Duration
        var id: Int
    }

    private struct State {
        var uptime = Duration.seconds(1_000)
        /// Latest first; one whose continuation is gone was cancelled.
        var sleepers: [Sleeper] = []
        var continuations: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextID = 0
    }

    private static let start = Timestamp(seconds: 1_795_000_000)
    private let state = Mutex(State())

    func now() -> Timestamp { Self.start + uptime() }
    func uptime() -> Duration { state.withLock { $0.uptime } }

    func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let slept = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    guard !Task.isCancelled else { return continuation.resume(returning: false) }
                    guard duration > .zero else { return continuation.resume(returning: true) }
                    state.continuations[id] = continuation
                    Self.insert(Sleeper(due: state.uptime + duration, id: id), into: &state.sleepers)
                }
            }
        } onCancel: {
            state.withLock { $0.continuations.removeValue(forKey: id) }?.resume(returning: false)
        }
        guard slept else { throw CancellationError() }
    }

    private static func insert(_ sleeper: Sleeper, into sleepers: inout [Sleeper]) {
        var low = 0
        var high = sleepers.count
        while low < high {
            let middle = (low + high) / 2
            if sleepers[middle].due > sleeper.due { low = middle + 1 } else { high = middle }
        }
        sleepers.insert(sleeper, at: low)
    }

    /// Goes on to the next sleeper and wakes it, where one is due by `limit`. Else goes on to `limit`, and returns false.
    func advance(upTo limit: Duration) -> Bool {
        let woken: CheckedContinuation<Bool, Never>? = state.withLock { state in
            while let next = state.sleepers.last {
                guard let continuation = state.continuations[next.id] else {
                    state.sleepers.removeLast()
                    continue
                }
                guard next.due <= limit else { break }
                state.sleepers.removeLast()
                state.continuations[next.id] = nil
                state.uptime = max(state.uptime, next.due)
                return continuation
            }
            state.uptime = max(state.uptime, limit)
            return nil
        }
        woken?.resume(returning: true)
        return woken != nil
    }
}
