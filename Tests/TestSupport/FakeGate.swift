import Synchronization

/// Holds callers until it is opened; once open it stays so.
package final class FakeGate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func wait() async {
        await withCheckedContinuation { continuation in
            let (resumeNow, watchers) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
                if state.isOpen { return (true, []) }
                state.waiters.append(continuation)
                defer { state.watchers = [] }
                return (false, state.watchers)
            }
            for watcher in watchers { watcher.resume() }
            if resumeNow { continuation.resume() }
        }
    }

    /// Returns once a caller waits at the gate, or it is open.
    package func reached() async {
        await withCheckedContinuation { continuation in
            let resumeNow = state.withLock { state in
                if state.isOpen || !state.waiters.isEmpty { return true }
                state.watchers.append(continuation)
                return false
            }
            if resumeNow { continuation.resume() }
        }
    }

    package func open() {
        let released = state.withLock { state in
            state.isOpen = true
            defer {
                state.waiters = []
                state.watchers = []
            }
            return state.waiters + state.watchers
        }
        for continuation in released { continuation.resume() }
    }
}
