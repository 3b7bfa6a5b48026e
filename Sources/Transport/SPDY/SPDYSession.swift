import HTTP
import Synchronization

/// A SPDY/3.1 connection as tasks see it, over whatever carries its bytes.
///
/// What was received and not yet taken, all streams together, holds at most `inboxBytes` and one read more; then the carrier is not
/// read, which holds all its streams back (the protocol as clients use it has no windows).
final class SPDYSession: MultiplexedConnection {
    static let inboxBytes = 1 << 20
    /// How long the client has to close the connection after the last stream.
    private static let closeTime = Duration.seconds(3)

    /// Sends bytes in one piece and waits while the client reads slowly; false once the carrier is closed.
    typealias Send = @Sendable ([UInt8]) async -> Bool

    private let send: Send
    private let abort: @Sendable () async -> Void
    private let state: Mutex<State>

    /// - Parameter abort: closes the carrier, so that a `send` which waits returns.
    init(isClient: Bool = false, send: @escaping Send, abort: @escaping @Sendable () async -> Void) {
        self.send = send
        self.abort = abort
        state = Mutex(State(peer: SPDYPeer(isClient: isClient)))
    }

    /// Runs `handler` on the connection that `input` brings. Returns when both have ended.
    func serve(
        reading input: some AsyncSequence<[UInt8], any Error> & Sendable,
        with handler: @Sendable (any MultiplexedConnection) async -> Void
    ) async {
        await converse(reading: input) { await handler($0) }
    }

    /// The same for either side.
    func converse<Value: Sendable>(
        reading input: some AsyncSequence<[UInt8], any Error> & Sendable,
        with handler: @Sendable (SPDYSession) async -> Value
    ) async -> Value {
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.read(input) }
                let value = await handler(self)
                await drain()
                group.addTask {
                    try? await Task.sleep(for: Self.closeTime)
                    await self.abort()
                }
                await group.next()
                group.cancelAll()
                return value
            }
        } onCancel: {
            end()
        }
    }

    // MARK: The client's bytes

    private func read(_ input: some AsyncSequence<[UInt8], any Error> & Sendable) async {
        do {
            for try await bytes in input {
                let outcome = try state.withLock { state throws(SPDYError) in try state.peer.take(bytes) }
                // First, because clients drop what comes for a stream before its reply.
                if !outcome.reply.isEmpty, !(await send(outcome.reply)) { break }
                for event in outcome.events { deliver(event) }
                await room()
            }
        } catch is SPDYError {
            _ = await send(state.withLock { $0.peer.goAway(isError: true) })
        } catch {
            // The carrier broke.
        }
        end()
    }

    private func deliver(_ event: SPDYPeer.Event) {
        switch event {
        case .opened(let id, let headers): opened(SPDYStream(id: id, headers: headers, session: self))
        case .data(let id, let bytes): received(id, bytes)
        case .finished(let id): ended(id, .finished)
        case .reset(let id): ended(id, .broken)
        }
    }

    private func opened(_ stream: SPDYStream) {
        let acceptor = state.withLock { state -> CheckedContinuation<SPDYStream?, Never>? in
            guard !state.isDraining, !state.isOver else { return nil }
            state.inboxes[stream.id] = State.Inbox()
            if let acceptor = state.acceptor {
                state.acceptor = nil
                return acceptor
            }
            state.arrivals.append(stream)
            return nil
        }
        acceptor?.resume(returning: stream)
    }

    private func received(_ id: UInt32, _ bytes: [UInt8]) {
        let reader = state.withLock { state -> CheckedContinuation<State.Received, Never>? in
            guard !state.isDraining, state.inboxes[id] != nil else { return nil }
            if let reader = state.inboxes[id]?.reader {
                state.inboxes[id]?.reader = nil
                return reader
            }
            state.inboxes[id]?.chunks.append(bytes)
            state.buffered += bytes.count
            return nil
        }
        reader?.resume(returning: .bytes(bytes))
    }

    private func ended(_ id: UInt32, _ end: State.End) {
        let (reader, paused) = state.withLock { state in
            if end == .broken { state.drop(id) }
            state.inboxes[id]?.end = end
            defer { state.inboxes[id]?.reader = nil }
            return (state.inboxes[id]?.reader, state.takePaused())
        }
        reader?.resume(returning: end == .finished ? .finished : .broken)
        paused?.resume()
    }

    /// Returns when what waits is taken so far that more may be read.
    private func room() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.hasRoom { return true }
                state.pausedReader = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// The handler has ended: its streams too, and the client is asked to close.
    private func drain() async {
        let (ending, paused, dropped) = state.withLock { state in
            state.isDraining = true
            state.buffered = 0
            let resets = state.inboxes.keys.sorted().flatMap { state.peer.reset($0) ?? [] }
            defer {
                state.inboxes = [:]
                state.arrivals = []
            }
            // A stream takes the lock when it goes: those that nobody accepted are let go outside of it.
            return (resets + state.peer.goAway(isError: false), state.takePaused(), state.arrivals)
        }
        paused?.resume()
        _ = await send(ending)
        withExtendedLifetime(dropped) {}
    }

    /// The connection is gone: whoever waits goes on.
    private func end() {
        let (acceptor, readers, paused) = state.withLock { state in
            state.isOver = true
            let readers = state.inboxes.values.compactMap(\.reader)
            for id in state.inboxes.keys {
                state.inboxes[id]?.reader = nil
                if state.inboxes[id]?.end == nil { state.inboxes[id]?.end = .broken }
            }
            defer { state.acceptor = nil }
            return (state.acceptor, readers, state.takePaused())
        }
        acceptor?.resume(returning: nil)
        for reader in readers { reader.resume(returning: .broken) }
        paused?.resume()
    }

    // MARK: The handler's side

    func accept() async -> (any MultiplexedStream)? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in accept(continuation) }
        } onCancel: {
            let acceptor = state.withLock { state in
                defer { state.acceptor = nil }
                return state.acceptor
            }
            acceptor?.resume(returning: nil)
        }
    }

    private func accept(_ continuation: CheckedContinuation<SPDYStream?, Never>) {
        enum Answer {
            case now(SPDYStream?)
            case wait
        }
        let answer = state.withLock { state -> Answer in
            if !state.arrivals.isEmpty { return .now(state.arrivals.removeFirst()) }
            // A second acceptor at a time is not served.
            if state.isOver || state.acceptor != nil || Task.isCancelled { return .now(nil) }
            state.acceptor = continuation
            return .wait
        }
        if case .now(let stream) = answer { continuation.resume(returning: stream) }
    }

    fileprivate func receive(_ id: UInt32) async -> State.Received {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (answer, paused) = state.withLock { state -> (State.Received?, CheckedContinuation<Void, Never>?) in
                    let answer = state.next(id, isCancelled: Task.isCancelled)
                    if answer == nil { state.inboxes[id]?.reader = continuation }
                    return (answer, state.takePaused())
                }
                paused?.resume()
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.inboxes[id]?.reader = nil }
                return state.inboxes[id]?.reader
            }
            reader?.resume(returning: .finished)
        }
    }

    fileprivate func send(_ bytes: [UInt8], on id: UInt32) async throws(HTTPError) {
        let frames = state.withLock { $0.isOver ? nil : $0.peer.data(id, bytes) }
        guard let frames, await send(frames) else { throw .connectionLost(reason: "stream \(id) has ended") }
    }

    fileprivate func finish(_ id: UInt32) async {
        if let frame = state.withLock({ $0.peer.finish(id) }) { _ = await send(frame) }
    }

    fileprivate func reset(_ id: UInt32) async {
        let frame = state.withLock { $0.peer.reset(id) }
        ended(id, .broken)
        if let frame { _ = await send(frame) }
    }

    /// Nobody holds the stream any more.
    fileprivate func forget(_ id: UInt32) {
        let paused = state.withLock { state in
            state.drop(id)
            state.inboxes[id] = nil
            return state.takePaused()
        }
        paused?.resume()
    }
}

/// One stream of a session. Once nobody holds it, what was received for it is dropped.
final class SPDYStream: MultiplexedStream {
    let id: UInt32
    let headers: HTTPHeaders
    private let session: SPDYSession

    init(id: UInt32, headers: HTTPHeaders, session: SPDYSession) {
        self.id = id
        self.headers = headers
        self.session = session
    }

    deinit {
        session.forget(id)
    }

    func receive() async throws(HTTPError) -> [UInt8]? {
        switch await session.receive(id) {
        case .bytes(let bytes): return bytes
        case .finished: return nil
        case .broken: throw .connectionLost(reason: "stream \(id) was broken off")
        }
    }

    func send(_ bytes: [UInt8]) async throws(HTTPError) {
        try await session.send(bytes, on: id)
    }

    func finish() async { await session.finish(id) }

    func reset() async { await session.reset(id) }
}

extension SPDYSession: MultiplexedClient {
    func open(_ headers: HTTPHeaders) async throws(HTTPError) -> any MultiplexedStream {
        let opened = state.withLock { state -> (id: UInt32, frame: [UInt8])? in
            if state.isOver || state.isDraining { return nil }
            let opened = state.peer.open(headers)
            state.inboxes[opened.id] = State.Inbox()
            return opened
        }
        guard let opened, await send(opened.frame) else { throw .connectionLost(reason: "the connection has ended") }
        return SPDYStream(id: opened.id, headers: headers, session: self)
    }
}
