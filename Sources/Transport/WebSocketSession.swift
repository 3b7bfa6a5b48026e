import HTTP
import NIOCore

/// One side of a WebSocket, as a task sees it. Any number of tasks may send; one receives.
///
/// `send` waits while the peer reads slowly, so what is buffered is bounded by one message for each sending task.
final class WebSocketSession: WebSocketConnection {
    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<WebSocketHandler>

    init(eventLoop: any EventLoop, handler: NIOLoopBound<WebSocketHandler>) {
        self.eventLoop = eventLoop
        self.handler = handler
    }

    func receive() async throws -> WebSocketMessage? {
        let token = CancelToken()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                eventLoop.execute {
                    // Decided on the loop, so that a cancellation is seen before or after, never missed.
                    if token.isCancelled {
                        continuation.resume(throwing: CancellationError())
                    } else {
                        self.handler.value.receive(continuation, token)
                    }
                }
            }
        } onCancel: {
            token.cancel()
            eventLoop.execute { self.handler.value.cancelReceive(token) }
        }
    }

    func send(_ message: WebSocketMessage) async throws {
        let taken = await withCheckedContinuation { continuation in
            eventLoop.execute { self.handler.value.send(message, then: continuation) }
        }
        guard taken else { throw HTTPError.connectionLost(reason: "the WebSocket is closed") }
    }

    func close(code: UInt16) async {
        await withCheckedContinuation { continuation in
            eventLoop.execute { self.handler.value.close(code, then: continuation) }
        }
    }
}
