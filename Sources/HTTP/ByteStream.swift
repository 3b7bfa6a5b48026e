/// A sequence of byte chunks that the reader pulls: the next chunk is made only when the last one was taken, which is the
/// back-pressure. Read by one task. Whoever stops reading before the end calls `cancel`; ending the reading task does too.
package struct ByteStream: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = any Error

    private let pull: @Sendable () async throws -> [UInt8]?
    private let onCancel: @Sendable () -> Void

    /// - Parameters:
    ///   - next: the next chunk, nil at the end. It must return promptly when its task is cancelled.
    ///   - cancel: frees what the stream holds; may be called more than once, and after the end.
    package init(next: @escaping @Sendable () async throws -> [UInt8]?, cancel: @escaping @Sendable () -> Void = {}) {
        pull = next
        onCancel = cancel
    }

    package func next() async throws -> [UInt8]? {
        try await pull()
    }

    package func cancel() {
        onCancel()
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(stream: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        let stream: ByteStream

        package mutating func next() async throws -> [UInt8]? {
            try await stream.next()
        }
    }
}
