import HTTP
import Synchronization

/// A client's connection to whatever control plane is there: it delays, breaks, and ends with its client.
final class Link: HTTPHandler {
    private struct State {
        var isCut = false
        var isClosed = false
        /// The longest delay of a request, an answer or a watch's event.
        var delay = 0
        var streams: [Int: ByteStream] = [:]
        var nextStream = 0
    }

    private let world: World
    private let plane: @Sendable () -> ControlPlane?
    private let answered: @Sendable (HTTPRequest, HTTPResponse) -> Void
    private let state = Mutex(State())

    /// - Parameter answered: is told of each answer as the server gives it, arrive or not.
    init(
        world: World, plane: @escaping @Sendable () -> ControlPlane?,
        answered: @escaping @Sendable (HTTPRequest, HTTPResponse) -> Void = { _, _ in }
    ) {
        self.world = world
        self.plane = plane
        self.answered = answered
    }

    /// Nothing gets through any more until it is mended.
    func cut() {
        state.withLock { $0.isCut = true }
        breakStreams()
    }

    func mend() { state.withLock { $0.isCut = false } }

    /// The client's process is gone.
    func close() {
        state.withLock { $0.isClosed = true }
        breakStreams()
    }

    /// In milliseconds, at most.
    func slow(to delay: Int) { state.withLock { $0.delay = delay } }

    /// Every watch breaks off, and may begin anew.
    func breakStreams() {
        let streams = state.withLock { state in
            defer { state.streams = [:] }
            return state.streams
        }
        for id in streams.keys.sorted() { streams[id]?.cancel() }
    }

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        await delay()
        guard isOpen, let plane = plane() else { throw .connectFailed(endpoint: "server", reason: "no way there") }
        let response = try await plane.serve(request)
        answered(request, response)
        await delay()
        guard isOpen, !plane.isDead else { throw .connectionLost(reason: "cut") }
        guard case .stream(let stream) = response.body else { return response }
        return HTTPResponse(response.status, headers: response.headers, body: .stream(carry(stream, from: plane)))
    }

    private var isOpen: Bool { state.withLock { !$0.isCut && !$0.isClosed } }

    private func delay() async {
        let longest = state.withLock { $0.delay }
        guard longest > 0 else { return }
        await world.pause(world.draw { $0.duration(0...longest) })
    }

    private func carry(_ stream: ByteStream, from plane: ControlPlane) -> ByteStream {
        let id = state.withLock { state in
            state.nextStream += 1
            state.streams[state.nextStream] = stream
            return state.nextStream
        }
        return ByteStream {
            let chunk = try await stream.next()
            await self.delay()
            guard self.state.withLock({ $0.streams[id] != nil }), !plane.isDead else {
                stream.cancel()
                throw HTTPError.connectionLost(reason: "cut")
            }
            return chunk
        } cancel: {
            self.state.withLock { $0.streams[id] = nil }
            stream.cancel()
        }
    }
}
