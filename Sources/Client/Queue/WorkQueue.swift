import APIMachinery
import Synchronization

/// Keys of objects that want work, for one or more workers. Each key waits once, and is worked on by one worker at a
/// time; see `WorkQueueState` for its bound.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var queue = WorkQueueState<Key>()
        /// Counts the changes that a waiting worker must look at.
        var version = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private static var longestHold: Duration { .seconds(1) }

    package let time: any TimeSource
    private let base: Duration
    private let limit: Duration
    private let state = Mutex(State())

    /// `base` is the delay after a key's first failure; it doubles with each further one up to `limit`.
    package init(
        time: any TimeSource, base: Duration = .milliseconds(5), limit: Duration = .seconds(300)
    ) {
        self.time = time
        self.base = base
        self.limit = limit
    }

    /// Keys that wait now, without those that are delayed or worked on.
    package var count: Int { state.withLock { $0.queue.count } }

    package func add(_ key: Key) {
        change { $0.add(key) }
    }

    package func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        let due = time.uptime() + delay
        change { $0.add(key, due: due) }
    }

    /// For a key whose work failed: it comes back after a delay that grows with its failures, until `forget`. An `add` brings it back sooner, but not
    /// before the lesser of that delay and `longestHold`: what a failure writes may itself be what adds the key.
    package func addRateLimited(_ key: Key) {
        let now = time.uptime()
        change { queue in
            let delay = Backoff.delay(afterFailures: queue.failures(key), base: base, limit: limit)
            queue.fail(key, now: now, delay: delay, hold: min(delay, Self.longestHold))
        }
    }

    /// The key's work went well: its failures no longer count.
    package func forget(_ key: Key) {
        state.withLock { $0.queue.forget(key) }
    }

    package func failures(_ key: Key) -> Int {
        state.withLock { $0.queue.failures(key) }
    }

    /// The next key, which is then worked on until `done`. Nil once closed and drained, or when the task is cancelled.
    package func next() async -> Key? {
        while !Task.isCancelled {
            let now = time.uptime()
            let (taken, version) = state.withLock { ($0.queue.take(now: now), $0.version) }
            switch taken {
            case .key(let key): return key
            case .closed: return nil
            case .nothing(let due): await pause(until: due, now: now, version: version)
            }
        }
        return nil
    }

    /// Must follow each `next` that gave this key. If it was added meanwhile it waits again.
    package func done(_ key: Key) {
        change { $0.done(key) }
    }

    /// Refuses further keys; `next` gives what waits and then nil.
    package func close() {
        change { $0.close() }
    }

    /// Works on keys with so many workers until closed or cancelled. A key whose work throws comes back rate-limited;
    /// one whose work gives a duration comes back after it.
    package func process(workers: Int = 1, _ work: @escaping @Sendable (Key) async throws -> Duration?) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<max(1, workers) {
                group.addTask {
                    while let key = await self.next() { await self.process(key, work) }
                }
            }
        }
    }

    private func process(_ key: Key, _ work: @Sendable (Key) async throws -> Duration?) async {
        do {
            let again = try await work(key)
            forget(key)
            if let again { add(key, after: again) }
        } catch {
            addRateLimited(key)
        }
        done(key)
    }

    private func change(_ body: (inout WorkQueueState<Key>) -> Void) {
        let waiters = state.withLock { state in
            body(&state.queue)
            state.version += 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Waits for a change after `version`, at most until `due`.
    private func pause(until due: Duration?, now: Duration, version: Int) async {
        guard let due else { return await changed(after: version) }
        let time = time
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.changed(after: version) }
            group.addTask { try? await time.sleep(for: due - now) }
            await group.next()
            group.cancelAll()
        }
    }

    private func changed(after version: Int) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    if state.version != version || Task.isCancelled {
                        continuation.resume()
                    } else {
                        state.waiters[id] = continuation
                    }
                }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
