import Synchronization

/// The end of a process, waited for by any number of tasks; set once.
final class ExitLatch: Sendable {
    private struct State {
        var exitCode: Int32?
        var waiting: [Int: CheckedContinuation<Int32?, Never>] = [:]
        var cancelled: Set<Int> = []
        var last = 0
    }

    private let state = Mutex(State())

    init(exitCode: Int32? = nil) {
        state.withLock { $0.exitCode = exitCode }
    }

    var exitCode: Int32? { state.withLock { $0.exitCode } }

    /// Whether this was the first call; later ones do nothing.
    @discardableResult
    func set(_ code: Int32) -> Bool {
        let waiting = state.withLock { state -> [CheckedContinuation<Int32?, Never>]? in
            guard state.exitCode == nil else { return nil }
            state.exitCode = code
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting ?? [] { continuation.resume(returning: code) }
        return waiting != nil
    }

    /// The exit code, nil where the task was cancelled first.
    func wait() async -> Int32? {
        let ticket = state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in begin(ticket, continuation) }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func begin(_ ticket: Int, _ continuation: CheckedContinuation<Int32?, Never>) {
        let answer = state.withLock { state -> Int32?? in
            if let code = state.exitCode { return .some(code) }
            if state.cancelled.remove(ticket) != nil { return .some(nil) }
            state.waiting[ticket] = continuation
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    private func cancel(_ ticket: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Int32?, Never>? in
            if let waiting = state.waiting.removeValue(forKey: ticket) { return waiting }
            if state.exitCode == nil { state.cancelled.insert(ticket) }
            return nil
        }
        continuation?.resume(returning: nil)
    }
}
