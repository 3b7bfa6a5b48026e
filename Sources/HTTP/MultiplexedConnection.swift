/// A connection that carries many streams, which the peer opens.
package protocol MultiplexedConnection: Sendable {
    /// The next stream that the peer opens; nil once the connection has ended, and where the task is cancelled.
    /// Called by one task.
    func accept() async -> (any MultiplexedStream)?
}

/// The same from the side that opens the streams.
package protocol MultiplexedClient: Sendable {
    /// - Parameter headers: what is said of the stream.
    func open(_ headers: HTTPHeaders) async throws(HTTPError) -> any MultiplexedStream
}

/// One stream: bytes both ways, each way with an end of its own.
package protocol MultiplexedStream: Sendable {
    /// Tells it from the connection's other streams.
    var id: UInt32 { get }
    /// What the peer said when it opened the stream.
    var headers: HTTPHeaders { get }
    /// The next bytes; nil once the peer has sent all, and where the task is cancelled. Read by one task.
    /// - Throws: `connectionLost` where the peer broke the stream off.
    func receive() async throws(HTTPError) -> [UInt8]?
    /// Waits while the peer reads slowly.
    /// - Throws: `connectionLost` where the stream has ended.
    func send(_ bytes: [UInt8]) async throws(HTTPError)
    /// Says that no more will be sent.
    func finish() async
    /// Breaks the stream off, both ways.
    func reset() async
}
