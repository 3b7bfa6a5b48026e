import APIMachinery
import Synchronization

/// A clock that stands still until the test moves it. Its wall clock can be set besides.
package final class ManualTime: TimeSource {
    private struct Sleeper {
        var due: Duration
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct Watcher {
        var count: Int
        var rest: Duration
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var uptime = Duration.zero
        /// What the wall clock shows beyond the time that went by.
        var offset = Duration.zero
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var sleepers: [Int: Sleeper] = [:]
        var nextSleeper = 0
        var watchers: [Watcher] = []
    }

    private let start: Timestamp
    private let state = Mutex(State())

    package init(start: Timestamp = Timestamp(seconds: 1_795_000_000)) {
        self.start = start
    }

    package func now() -> Timestamp { state.withLock { start + $0.uptime + $0.offset } }
    package func uptime() -> Duration { state.withLock { $0.uptime } }

    package func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        let slept = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    guard !Task.isCancelled else { return continuation.resume(returning: false) }
                    guard duration > .zero else { return continuation.resume(returning: true) }
                    state.sleepers[id] = Sleeper(due: state.uptime + duration, continuation: continuation)
                    Self.tellWatchers(&state)
                }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(returning: false)
        }
        guard slept else { throw CancellationError() }
    }

    package func clockChanges() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextSleeper += 1
            state.listeners[state.nextSleeper] = continuation
            return state.nextSleeper
        }
        continuation.onTermination = { _ in self.state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
        return stream
    }

    /// Sets the wall clock forwards, or backwards, and tells who listens. No time goes by.
    package func setClock(by jump: Duration) {
        let listeners = state.withLock { state in
            state.offset += jump
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    /// Moves the clock and wakes who is due, the earliest first.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.uptime += duration
            let due = state.sleepers.filter { $0.value.due <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        }
        for (_, sleeper) in due { sleeper.continuation.resume(returning: true) }
    }

    /// How long until the next sleeper is due; nil where nobody sleeps.
    package var untilNext: Duration? {
        state.withLock { state in state.sleepers.values.map { $0.due - state.uptime }.min() }
    }

    /// How long the last of those who sleep has yet to sleep, nil where nobody does.
    package var longestSleep: Duration? {
        state.withLock { state in state.sleepers.values.map { $0.due - state.uptime }.max() }
    }

    /// Returns once so many tasks sleep, all of them for longer than `rest`.
    package func waitForSleepers(_ count: Int = 1, longerThan rest: Duration = .zero) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.watchers.append(Watcher(count: count, rest: rest, continuation: continuation))
                Self.tellWatchers(&state)
            }
        }
    }

    private static func tellWatchers(_ state: inout State) {
        let count = state.sleepers.count
        let shortest = state.sleepers.values.map(\.due).min().map { [uptime = state.uptime] in $0 - uptime } ?? .zero
        let isDone: (Watcher) -> Bool = { $0.count <= count && $0.rest < shortest }
        for watcher in state.watchers where isDone(watcher) { watcher.continuation.resume() }
        state.watchers.removeAll(where: isDone)
    }
}
