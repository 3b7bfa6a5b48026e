import HTTP
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Sends requests to one endpoint over HTTP/1.1, with connections kept open between them.
///
/// A body whose length is announced comes as parts (a long one as a stream, where the limits say so); one of open length comes as a stream that is read as fast as the caller takes it. A request
/// whose kept connection closes before any of the response has come is sent once more if it is idempotent, with its whole body. Redirects are not followed.
package final class HTTPClient: HTTPHandler {
    private let endpoint: HTTPEndpoint
    private let proxy: HTTPProxy?
    private let limits: ClientLimits
    private let connector: ClientConnector
    private let pool: ConnectionPool

    /// - Parameter proxy: what all connections go through.
    /// - Throws: `tls` where a certificate cannot be used.
    package init(
        _ endpoint: HTTPEndpoint, proxy: HTTPProxy? = nil, limits: ClientLimits = ClientLimits(), threads: IOThreads
    ) throws(TransportError) {
        self.endpoint = endpoint
        self.proxy = proxy
        self.limits = limits
        connector = try ClientConnector(endpoint: endpoint, proxy: proxy, limits: limits, threads: threads)
        pool = ConnectionPool(limits: limits)
    }

    deinit {
        pool.close()
    }

    package func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await answer(request)
        } catch {
            guard let proxy, case .timedOut(let limit, _) = error else { throw error }
            throw .timedOut(after: limit, through: proxy.description)
        }
        // Through a tunnel all answers are the server's.
        guard let proxy, case .http = endpoint, response.status == 407 else { return response }
        throw .refused(proxy.wantsPassword, endpoint: connector.description)
    }

    private func answer(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        var deadline = NIODeadline.now() + TimeAmount(limits.totalTime)
        let head = head(for: request)
        if let kept = pool.take() {
            let call = ClientCall(head: head, body: request.body, deadline: deadline, limits: limits)
            switch await kept.send(call) {
            case .response(let response): return response
            case .failed(let error): throw error
            case .stale(let error): guard request.method.isIdempotent, request.isRepeatable else { throw error }
            }
            // A body that got on had more than its time, and begins anew.
            if !request.body.isEmpty { deadline = .now() + TimeAmount(limits.totalTime) }
        }
        let call = ClientCall(head: head, body: request.body, deadline: deadline, limits: limits)
        switch await (try connect(deadline)).send(call) {
        case .response(let response): return response
        case .failed(let error), .stale(let error): throw error
        }
    }

    /// Opens a WebSocket on a connection of its own.
    /// - Parameter subprotocols: offered in this order; the server must take one of them, unless there are none.
    /// - Throws: `malformed` with the server's words where it refuses.
    package func webSocket(
        _ request: HTTPRequest, subprotocols: [String] = []
    ) async throws(HTTPError) -> any WebSocketConnection {
        switch try await askForWebSocket(request, subprotocols: subprotocols) {
        case .opened(let session, _): return session
        case .refused(let response):
            let words = (try? await response.bytes(limit: 4_096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw .malformed("\(endpoint) answered \(response.status) in place of a WebSocket: \(words)")
        }
    }

    /// What a server said to the wish for a WebSocket.
    package enum WebSocketAnswer: Sendable {
        /// `subprotocol` is "" where none was offered.
        case opened(any WebSocketConnection, subprotocol: String)
        /// The response that came instead.
        case refused(HTTPResponse)
    }

    /// The same as `webSocket`, with a refusal as the response that it is.
    package func askForWebSocket(
        _ request: HTTPRequest, subprotocols: [String] = []
    ) async throws(HTTPError) -> WebSocketAnswer {
        let deadline = NIODeadline.now() + TimeAmount(limits.totalTime)
        var head = head(for: request)
        let key = NIOWebSocketClientUpgrader.randomRequestKey()
        ClientWebSocketHandshake(key: key, subprotocols: subprotocols).prepare(&head)
        let call = ClientCall(
            head: head, body: [], deadline: deadline, limits: limits,
            handshake: ClientWebSocketHandshake(key: key, subprotocols: subprotocols))
        let connection = try await connect(deadline)
        switch await connection.send(call) {
        case .failed(let error), .stale(let error): throw error
        case .response(let response):
            guard let session = connection.takeSession() else { return .refused(response) }
            return .opened(session, subprotocol: response.headers["Sec-WebSocket-Protocol"] ?? "")
        }
    }

    /// Shows another certificate, and trusts whom it says, on the connections that are made from now on; the kept ones are closed. On failure
    /// all stays as it is. For an endpoint of TLS.
    package func reload(tls: ClientTLS) throws(TransportError) {
        try connector.reload(tls)
        pool.drop()
    }

    /// Closes the kept connections. Requests under way run to their end.
    package func close() {
        pool.close()
    }

    private func connect(_ deadline: NIODeadline) async throws(HTTPError) -> ClientConnection {
        guard pool.reserve() else {
            throw .connectFailed(endpoint: connector.description, reason: "\(limits.connections) connections are open")
        }
        return try await connector.connect(deadline: deadline, pool: pool)
    }

    private func head(for request: HTTPRequest) -> HTTPRequestHead {
        var headers = NIOHTTP1.HTTPHeaders(request.headers.fields.map { ($0.name, $0.value) })
        if !headers.contains(name: "host") { headers.add(name: "Host", value: endpoint.hostField) }
        headers.remove(name: "transfer-encoding")
        if !request.body.isEmpty || request.method.carriesBody {
            headers.replaceOrAdd(name: "Content-Length", value: String(request.body.count))
        }
        var target = request.target ?? RequestTarget.text(path: request.path, query: request.query)
        if case .http = endpoint, let proxy {
            target = endpoint.description + target
            if let authorization = proxy.authorization {
                headers.replaceOrAdd(name: "Proxy-Authorization", value: authorization)
            }
        }
        return HTTPRequestHead(
            version: .http1_1, method: .init(rawValue: request.method.rawValue), uri: target, headers: headers)
    }
}

extension HTTP.HTTPMethod {
    fileprivate var isIdempotent: Bool { self != .post && self != .patch }
    fileprivate var carriesBody: Bool { self == .post || self == .put || self == .patch }
}
