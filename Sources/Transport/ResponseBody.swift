import HTTP
import NIOCore

/// The body of a response between the connection, which fills it, and the task that reads it. Lives on the connection's event loop.
final class ResponseBody {
    /// The connection stops reading while this many bytes wait.
    static let highWater = 256 << 10

    private var chunks: [[UInt8]] = []
    private var size = 0
    private var outcome: Result<Void, HTTPError>?
    private var reader: CheckedContinuation<[UInt8]?, any Error>?
    /// Called when there is room again, and with `abandon` when nobody will read on.
    private var onDrain: (() -> Void)?
    private var onAbandon: (() -> Void)?

    init(onDrain: @escaping () -> Void, onAbandon: @escaping () -> Void) {
        self.onDrain = onDrain
        self.onAbandon = onAbandon
    }

    var isFull: Bool { size >= Self.highWater }

    func append(_ buffer: ByteBuffer) {
        guard outcome == nil else { return }
        let bytes = Array(buffer.readableBytesView)
        if let reader {
            self.reader = nil
            reader.resume(returning: bytes)
        } else {
            chunks.append(bytes)
            size += bytes.count
        }
    }

    /// The connection is done with this body.
    func finish(_ result: Result<Void, HTTPError>) {
        guard outcome == nil else { return }
        outcome = result
        onDrain = nil
        onAbandon = nil
        if let reader {
            self.reader = nil
            reader.resume(with: result.map { nil }.mapError { $0 as any Error })
        }
    }

    func next(_ continuation: CheckedContinuation<[UInt8]?, any Error>) {
        if !chunks.isEmpty {
            let chunk = chunks.removeFirst()
            let wasFull = isFull
            size -= chunk.count
            continuation.resume(returning: chunk)
            if wasFull, !isFull { onDrain?() }
        } else if let outcome {
            continuation.resume(with: outcome.map { nil }.mapError { $0 as any Error })
        } else if reader != nil {
            continuation.resume(throwing: HTTPError.malformed("a body is read by one task at a time"))
        } else {
            reader = continuation
        }
    }

    /// Nobody reads on: the rest is dropped and the connection told.
    func abandon() {
        chunks = []
        size = 0
        let abandon = onAbandon
        finish(.failure(.connectionLost(reason: "the reader has stopped")))
        abandon?()
    }
}

/// What a stream holds of a body. A stream that is dropped unread frees its connection.
private final class BodyReader: Sendable {
    private let eventLoop: any EventLoop
    private let body: NIOLoopBound<ResponseBody>

    init(_ body: NIOLoopBound<ResponseBody>, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.body = body
    }

    deinit {
        cancel()
    }

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                eventLoop.execute { [body] in body.value.next(continuation) }
            }
        } onCancel: {
            cancel()
        }
    }

    func cancel() {
        eventLoop.execute { [body] in body.value.abandon() }
    }
}

extension ResponseBody {
    /// The body as a stream for tasks. Call on the event loop.
    func stream(on eventLoop: any EventLoop) -> ByteStream {
        let reader = BodyReader(NIOLoopBound(self, eventLoop: eventLoop), on: eventLoop)
        return ByteStream(next: { try await reader.next() }, cancel: { reader.cancel() })
    }
}
