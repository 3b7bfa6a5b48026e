import APIMachinery
import HTTP
import Synchronization
import TestSupport
import Testing

@testable import APIServer

@Suite struct WebSocketBodyTests {
    /// A body that counts how often it was cancelled; without an end where it is followed.
    private final class Body: Sendable {
        let cancelled = Mutex(0)
        private let (more, source) = AsyncStream<[UInt8]>.makeStream()

        func response(isFollowed: Bool = false) -> HTTPResponse {
            let rest = Mutex([Array("one".utf8), Array("two".utf8)][...])
            let stream = ByteStream(
                next: {
                    if let next = rest.withLock({ $0.popFirst() }) { return next }
                    guard isFollowed else { return nil }
                    return await self.more.first { _ in true }
                }, cancel: { self.cancelled.withLock { $0 += 1 } })
            return HTTPResponse(200, body: .stream(isFollowed ? stream.endless : stream))
        }
        var isCancelled: Bool { cancelled.withLock { $0 > 0 } }
    }

    private func request(_ protocols: String?) -> HTTPRequest {
        var headers: HTTPHeaders = ["Connection": "Upgrade", "Upgrade": "websocket"]
        headers["Sec-WebSocket-Protocol"] = protocols
        return HTTPRequest(.get, "/", headers: headers)
    }

    @Test(arguments: [
        ("binary.k8s.io", "binary.k8s.io", false), (nil, "", false),
        ("other, base64.binary.k8s.io", "base64.binary.k8s.io", true),
    ])
    func theBodyComesInMessages(offered: String?, chosen: String, isText: Bool) async throws {
        let body = Body()
        let response = try WebSocketBody.carrying(body.response(), for: request(offered))
        guard case .webSocket(let subprotocol, let isEndless, let run) = response.body else {
            throw Status.badRequest("none")
        }
        let socket = FakeWebSocket()
        await run(socket)
        let chunks = ["one", "two"].map { Array($0.utf8) }
        #expect(subprotocol == chosen && response.status == 101 && body.isCancelled && !isEndless)
        #expect(socket.sent == chunks.map { isText ? .text(Bytes($0).base64) : .binary($0) })
    }

    @Test func aFollowedBodyEndsWithItsClient() async throws {
        let body = Body()
        let response = try WebSocketBody.carrying(body.response(isFollowed: true), for: request(nil))
        guard case .webSocket(_, let isEndless, let run) = response.body else { throw Status.badRequest("none") }
        let socket = FakeWebSocket()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await run(socket) }
            await socket.close(code: 1000)
        }
        #expect(body.isCancelled && isEndless)
    }

    /// The connection may not become a WebSocket.
    @Test func aBodyThatNobodyTakesUpIsCancelled() throws {
        let body = Body()
        _ = try WebSocketBody.carrying(body.response(isFollowed: true), for: request(nil))
        #expect(body.isCancelled)
        let refused = Body()
        #expect(throws: Status.self) { try WebSocketBody.carrying(refused.response(), for: request("chat")) }
        #expect(refused.isCancelled)
    }

    @Test func whoAsksForNoneGetsTheBodyItself() throws {
        let plain = try WebSocketBody.carrying(Body().response(), for: HTTPRequest(.get, "/"))
        guard case .stream = plain.body else { throw Status.badRequest("no stream") }
        let failed = try WebSocketBody.carrying(HTTPResponse(404), for: request(nil))
        #expect(failed.status == 404)
    }
}
