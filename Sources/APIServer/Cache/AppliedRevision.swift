import APIMachinery
import Store
import Synchronization

/// How far the caches have come: every event up to this revision is in them.
final class AppliedRevision: Sendable {
    private struct Waiter {
        let revision: Revision
        /// Uptime at which it is told that its time is up.
        let deadline: Duration
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var revision: Revision = 0
        var waiters: [UInt64: Waiter] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    var current: Revision { state.withLock { $0.revision } }

    /// Revisions only grow; a smaller one is ignored.
    func advance(to revision: Revision) {
        let ready = state.withLock { state in
            guard revision > state.revision else { return [CheckedContinuation<Bool, Never>]() }
            state.revision = revision
            guard !state.waiters.isEmpty else { return [] }
            let ready = state.waiters.filter { $0.value.revision <= revision }
            for id in ready.keys { state.waiters[id] = nil }
            return ready.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume(returning: true) }
    }

    /// Returns whether the caches have come as far as `revision` before `limit` passed (to about a second: `expire` says when), and
    /// before the task was cancelled.
    func reached(_ revision: Revision, within limit: Duration, by time: any TimeSource) async -> Bool {
        if current >= revision { return true }
        let deadline = time.uptime() + limit
        let id = state.withLock { state in
            state.nextID &+= 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: Bool? = state.withLock { state in
                    if state.revision >= revision { return true }
                    if Task.isCancelled { return false }
                    state.waiters[id] = Waiter(revision: revision, deadline: deadline, continuation: continuation)
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: false)
        }
    }

    /// Tells those whose time is up. Called about once a second.
    func expire(uptime: Duration) {
        let expired = state.withLock { state in
            let expired = state.waiters.filter { $0.value.deadline <= uptime }
            for id in expired.keys { state.waiters[id] = nil }
            return expired.values.map(\.continuation)
        }
        for continuation in expired { continuation.resume(returning: false) }
    }
}
