import APIMachinery
import CRI
import Synchronization

/// How long a turn is waited for, and what is thrown then.
package struct Patience: Sendable {
    let limit: Duration
    let time: any TimeSource
    let error: CRIError

    package init(_ limit: Duration, _ time: any TimeSource, _ error: CRIError) {
        (self.limit, self.time, self.error) = (limit, time, error)
    }
}

/// Lets tasks through one at a time, in the order in which they came. What waits is bounded by the callers: each waits for its own turn.
final class Turn: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
        var lastTicket: UInt64 = 0
    }

    private let state = Mutex(State())

    var isTaken: Bool { state.withLock { $0.isTaken } }

    /// How many tasks wait.
    var waiting: Int { state.withLock { $0.waiting.count } }

    func take<Value: Sendable>(
        _ body: @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        _ = await enter(ticket())
        defer { leave() }
        return try await body()
    }

    /// The same, but a task that is cancelled waits no longer, nor one whose patience is at its end: an error then.
    func takeUnlessCancelled<Value: Sendable>(
        _ patience: Patience? = nil, _ body: @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let ticket = ticket()
        var timer: Task<Void, Never>?
        let isMine = await withTaskCancellationHandler {
            await enter(ticket, unlessCancelled: true) { timer = patience.map { startTimer($0, ticket) } }
        } onCancel: {
            giveUp(ticket)
        }
        timer?.cancel()
        guard isMine else {
            throw patience.flatMap { Task.isCancelled ? nil : $0.error } ?? .failed("cancelled before its turn came")
        }
        defer { leave() }
        return try await body()
    }

    private func startTimer(_ patience: Patience, _ ticket: UInt64) -> Task<Void, Never> {
        Task { if (try? await patience.time.sleep(for: patience.limit)) != nil { giveUp(ticket) } }
    }

    private func ticket() -> UInt64 {
        state.withLock { state in
            state.lastTicket &+= 1
            return state.lastTicket
        }
    }

    /// Whether the turn is this task's.
    /// - Parameter waits: called where it has to wait, before it does.
    private func enter(
        _ ticket: UInt64, unlessCancelled: Bool = false, waits: () -> Void = {}
    ) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                // Who was cancelled before it waits is not called by `giveUp`.
                if unlessCancelled && Task.isCancelled { return false }
                if !state.isTaken {
                    state.isTaken = true
                    return true
                }
                state.waiting.append((ticket, continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) } else { waits() }
        }
    }

    private func giveUp(_ ticket: UInt64) {
        let waiting = state.withLock { state in
            state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0) }
        }
        waiting?.continuation.resume(returning: false)
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if state.waiting.isEmpty {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
