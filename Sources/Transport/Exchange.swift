import HTTP
import NIOCore

/// One request's way back to its client, as the task that answers it sees it. After the client is gone every call is harmless.
struct Exchange: Sendable {
    let eventLoop: any EventLoop
    let handler: NIOLoopBound<RequestHandler>
    /// Which request of the connection this is: a late call for an earlier one is dropped.
    let id: UInt64
    let gate: FlowGate

    /// The whole response; a large body goes out as fast as the client takes it.
    func respond(_ response: HTTPResponse, parts: [[UInt8]]) {
        eventLoop.execute { handler.value.respond(response, parts: parts, to: id) }
    }

    func begin(_ response: HTTPResponse) {
        eventLoop.execute { handler.value.begin(response, to: id) }
    }

    /// Returns when the socket takes more; false once the client is gone. Whoever is cancelled while the client takes nothing waits a moment, then cuts the
    /// response.
    func write(_ bytes: [UInt8]) async -> Bool {
        if gate.admits(bytes.count) {
            eventLoop.execute {
                handler.value.write(bytes, to: id)
                gate.took(bytes.count)
            }
            return true
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute { handler.value.write(bytes, to: id, then: continuation) }
                // One that was cancelled before has said so too early.
                if Task.isCancelled { hurry() }
            }
        } onCancel: {
            hurry()
        }
    }

    private func hurry() {
        eventLoop.execute { handler.value.hurry(id) }
    }

    func end(trailers: HTTPHeaders? = nil) {
        eventLoop.execute { handler.value.end(id, trailers: trailers) }
    }

    /// Cuts the response, so that the client sees that it is not whole.
    func abort() {
        eventLoop.execute { handler.value.abort(id) }
    }

    /// Turns the connection into one of many streams; nil, with an answer sent, where the request did not ask for that.
    func upgradeToStreams(_ name: String) async -> SPDYCarrier? {
        await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: handler.value.upgradeToStreams(id, name)) }
        }
    }

    /// Turns the connection into a WebSocket; nil, with an answer sent, where the request did not ask for one.
    func upgrade(subprotocol: String) async -> WebSocketSession? {
        await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: handler.value.upgrade(id, subprotocol: subprotocol)) }
        }
    }
}
