import HTTP
import Synchronization

/// Answers requests as the test says, and keeps them.
package final class FakeHTTPHandler: HTTPHandler {
    package typealias Answer = @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse

    private let answer: Answer
    private let kept = Mutex<[HTTPRequest]>([])

    package init(_ answer: @escaping Answer) {
        self.answer = answer
    }

    /// The requests so far, in the order they came.
    package var requests: [HTTPRequest] { kept.withLock { $0 } }

    package func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        kept.withLock { $0.append(request) }
        return try await answer(request)
    }
}

/// A byte stream that the test writes.
package final class FakeByteChannel: Sendable {
    private struct State {
        var chunks: [[UInt8]] = []
        var ending: Result<Void, HTTPError>?
        var cancelled = false
        var waiter: CheckedContinuation<Result<[UInt8]?, HTTPError>, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Whether the reader gave the stream up.
    package var isCancelled: Bool { state.withLock { $0.cancelled } }

    package func send(_ text: String) {
        change { $0.chunks.append(Array(text.utf8)) }
    }

    /// Ends the stream after what was sent; with an error the connection is lost.
    package func finish(_ error: HTTPError? = nil) {
        change { $0.ending = error.map { .failure($0) } ?? .success(()) }
    }

    package var stream: ByteStream {
        ByteStream {
            try await self.next()
        } cancel: {
            self.change {
                $0.cancelled = true
                $0.chunks = []
                $0.ending = $0.ending ?? .success(())
            }
        }
    }

    private func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                change { $0.waiter = continuation }
            }
        } onCancel: {
            finish(.connectionLost(reason: "cancelled"))
        }.get()
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            guard let waiter = state.waiter else { return }
            if !state.chunks.isEmpty {
                waiter.resume(returning: .success(state.chunks.removeFirst()))
            } else if let ending = state.ending {
                waiter.resume(returning: ending.map { nil })
            } else {
                return
            }
            state.waiter = nil
        }
    }
}
