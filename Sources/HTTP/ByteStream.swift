import Synchronization

/// A sequence of byte chunks that the reader pulls: the next chunk is made only when the last one was taken, which is the
/// back-pressure. Read by one task. Whoever stops reading before the end calls `cancel`; ending the reading task does too.
package struct ByteStream: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = any Error

    private let pull: @Sendable () async throws -> [UInt8]?
    private let onCancel: @Sendable () -> Void
    /// Whether nobody can say when it ends, as with what is followed. A server that stops waits for no such stream.
    package private(set) var isEndless = false

    /// - Parameters:
    ///   - next: the next chunk, nil at the end. It must return promptly when its task is cancelled.
    ///   - cancel: frees what the stream holds; may be called more than once, and after the end.
    package init(next: @escaping @Sendable () async throws -> [UInt8]?, cancel: @escaping @Sendable () -> Void = {}) {
        pull = next
        onCancel = cancel
    }

    /// Chunks that are there already.
    package init(_ chunks: [[UInt8]]) {
        let rest = Mutex(chunks[...])
        self.init(next: { rest.withLock { $0.popFirst() } })
    }

    /// What another sequence brings.
    package init<Source: AsyncSequence & Sendable>(
        _ source: Source, cancel: @escaping @Sendable () -> Void
    ) where Source.Element == [UInt8] {
        let reader = SequenceReader(source)
        self.init(next: { try await reader.next() }, cancel: cancel)
    }

    /// The same, as one whose end nobody knows.
    package var endless: ByteStream {
        var stream = self
        stream.isEndless = true
        return stream
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

/// The one reader of a sequence, for closures that are called again and again.
package actor SequenceReader<Source: AsyncSequence & Sendable> where Source.Element: Sendable {
    private var iterator: Source.AsyncIterator

    package init(_ source: Source) {
        iterator = source.makeAsyncIterator()
    }

    package func next() async throws(Source.Failure) -> Source.Element? {
        // Out of the actor while it waits, and back.
        var reader = iterator
        defer { iterator = reader }
        return try await reader.next(isolation: #isolation)
    }
}
