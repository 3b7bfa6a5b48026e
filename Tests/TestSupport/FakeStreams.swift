import HTTP
import Synchronization

/// A connection whose streams are known from the start, and which then ends.
package final class FakeStreams: MultiplexedConnection {
    private let waiting: Mutex<[FakeStream]>

    package init(_ streams: [FakeStream]) {
        waiting = Mutex(streams)
    }

    package func accept() async -> (any MultiplexedStream)? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}

/// A stream whose input is known from the start and that records what is sent on it.
package final class FakeStream: MultiplexedStream {
    private struct State {
        var pending: [[UInt8]]
        var sent: [UInt8] = []
        var isFinished = false
    }

    package let id: UInt32
    package let headers: HTTPHeaders
    private let state: Mutex<State>
    private let isBrokenOff: Bool

    /// - Parameter isBrokenOff: whether the input ends with the connection.
    package init(_ id: UInt32, _ headers: HTTPHeaders, input: [[UInt8]] = [], isBrokenOff: Bool = false) {
        self.isBrokenOff = isBrokenOff
        self.id = id
        self.headers = headers
        state = Mutex(State(pending: input))
    }

    package var sent: [UInt8] { state.withLock { $0.sent } }
    package var isFinished: Bool { state.withLock { $0.isFinished } }

    package func receive() async throws(HTTPError) -> [UInt8]? {
        let next = state.withLock { $0.pending.isEmpty ? nil : $0.pending.removeFirst() }
        if next == nil, isBrokenOff { throw .connectionLost(reason: "broken off") }
        return next
    }

    package func send(_ bytes: [UInt8]) async throws(HTTPError) {
        state.withLock { $0.sent += bytes }
    }

    package func finish() async { state.withLock { $0.isFinished = true } }

    package func reset() async {}
}
