import APIMachinery
import HTTP
import Kubelet
import Streaming
import Synchronization
import Transport

/// Another machine's kubelet: answers come as they are, a WebSocket as one that hands every message on.
struct RemoteKubelet: HTTPHandler {
    let client: HTTPClient

    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        guard let upgrade = request.headers["Upgrade"] else {
            let response = Self.plain(try await client.handle(Self.bare(request)))
            guard request.followsLog, case .stream(let stream) = response.body else { return response }
            return HTTPResponse(response.status, headers: response.headers, body: .stream(stream.endless))
        }
        guard upgrade.equalsIgnoringCase("websocket") else {
            let status = Status.badRequest(
                "pods of other machines than the server are reached by WebSocket alone, not by \(upgrade); "
                    + "kubectl from 1.30 on does that")
            return HTTPResponse(status)
        }
        let offered = request.headers.values("Sec-WebSocket-Protocol").flatMap { $0.split(separator: ",") }
            .map { String($0.filter { $0 != " " }) }
        switch try await client.askForWebSocket(Self.bare(request), subprotocols: offered) {
        case .refused(let response): return Self.plain(response)
        case .opened(let session, let subprotocol):
            let far = HeldSession(session)
            return HTTPResponse(
                101,
                body: .webSocket(subprotocol: subprotocol) { near in
                    guard let far = far.take() else { return }
                    await WebSocketRelay(near: near, far: far).run()
                })
        }
    }

    /// Without what belongs to the connection that it came by.
    private static func bare(_ request: HTTPRequest) -> HTTPRequest {
        var headers = HTTPHeaders()
        headers["Accept"] = request.headers["Accept"]
        return HTTPRequest(
            request.method, request.path, query: request.query, headers: headers, body: request.body)
    }

    private static func plain(_ response: HTTPResponse) -> HTTPResponse {
        var headers = HTTPHeaders()
        headers["Content-Type"] = response.headers["Content-Type"]
        return HTTPResponse(response.status, headers: headers, body: response.body)
    }
}

/// A session that nobody has taken up is closed with its last reference: the client may be gone before the answer reaches it.
private final class HeldSession: Sendable {
    private let session: Mutex<(any WebSocketConnection)?>

    init(_ session: any WebSocketConnection) {
        self.session = Mutex(session)
    }

    func take() -> (any WebSocketConnection)? {
        session.withLock { session in
            defer { session = nil }
            return session
        }
    }

    deinit {
        guard let left = take() else { return }
        Task { await left.close(code: 1001) }
    }
}

/// Hands the messages of two WebSockets on to each other until one of them ends. Holds one message each way.
struct WebSocketRelay: Sendable {
    let near: any WebSocketConnection
    let far: any WebSocketConnection

    func run() async {
        let (near, far) = (near, far)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await Self.pass(from: near, to: far) }
            group.addTask { await Self.pass(from: far, to: near) }
            await group.next()
            group.cancelAll()
        }
        await far.close(code: 1000)
        await near.close(code: 1000)
    }

    private static func pass(
        from source: any WebSocketConnection, to target: any WebSocketConnection
    ) async {
        do {
            while let message = try await source.receive() { try await target.send(message) }
        } catch {
            // Either side is gone, which ends both.
            return
        }
    }
}
