import HTTP
import Synchronization

/// A WebSocket whose messages are known from the start and that records what is sent on it. It stays open until this end closes it.
package final class FakeWebSocket: WebSocketConnection {
    private struct State {
        var pending: [WebSocketMessage]
        var sent: [WebSocketMessage] = []
        var waiting: CheckedContinuation<Void, Never>?
        var isClosed = false
    }

    private let state: Mutex<State>

    package init(_ messages: [WebSocketMessage] = []) {
        state = Mutex(State(pending: messages))
    }

    package var sent: [WebSocketMessage] { state.withLock { $0.sent } }

    package func receive() async throws -> WebSocketMessage? {
        if let next = state.withLock({ $0.pending.isEmpty ? nil : $0.pending.removeFirst() }) { return next }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled else { return true }
                    state.waiting = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake(closing: false)
        }
        return nil
    }

    package func send(_ message: WebSocketMessage) async throws {
        state.withLock { $0.sent.append(message) }
    }

    package func close(code: UInt16) async { wake(closing: true) }

    private func wake(closing: Bool) {
        let waiting = state.withLock { state in
            state.isClosed = state.isClosed || closing
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
