/// What a handler answers.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: Body
    /// Fields that come after the body, asked for at its end; over HTTP/2 alone. nil: none.
    package var trailers: (@Sendable () -> HTTPHeaders)?

    package enum Body: Sendable {
        /// A body in parts that are written one after the other; shared parts are never copied together.
        case parts([[UInt8]])
        /// A body that is made while it is sent (a watch, a log that is followed).
        case stream(ByteStream)
        /// The connection becomes a WebSocket with this subprotocol, served by `run` until it returns. An endless one carries what nobody can say the end of:
        /// a server that stops cancels it.
        case webSocket(
            subprotocol: String, isEndless: Bool = false, run: @Sendable (any WebSocketConnection) async -> Void)
        /// The connection carries many streams in this protocol, served by `run` until it returns: over SPDY/3.1 where the client asked to upgrade to
        /// that, or over SPDY/3.1 in a WebSocket where it offered `SPDY/3.1+` and the protocol's name.
        case streams(protocol: String, run: @Sendable (any MultiplexedConnection) async -> Void)
    }

    package init(_ status: Int, headers: HTTPHeaders = [:], body: Body = .parts([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(_ status: Int, contentType: String, _ bytes: [UInt8]) {
        self.init(status, headers: ["Content-Type": contentType], body: .parts([bytes]))
    }
}

/// Answers requests. The API server, the kubelet's endpoint and the agent's local socket are handlers; a transport serves one,
/// and a client sends to one, so a client in this process and one across TLS differ only in the handler they hold.
package protocol HTTPHandler: Sendable {
    /// Never throws towards the caller's peer: a failure is a response. A client's transport throws `HTTPError` where no response came.
    func handle(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse
}

extension HTTPResponse {
    /// The parts of a body that is not a stream; empty otherwise.
    package var parts: [[UInt8]] {
        if case .parts(let parts) = body { parts } else { [] }
    }

    /// The whole body, read to its end. A stream is cancelled where it grows over `limit` bytes or fails.
    package func bytes(limit: Int) async throws(HTTPError) -> [UInt8] {
        switch body {
        case .parts(let parts):
            let total = parts.reduce(0) { $0 + $1.count }
            guard total <= limit else { throw .bodyTooLarge(limit: limit) }
            return parts.count == 1 ? parts[0] : Array(parts.joined())
        case .stream(let stream):
            var bytes: [UInt8] = []
            while let chunk = try await stream.nextTyped() {
                guard bytes.count + chunk.count <= limit else {
                    stream.cancel()
                    throw .bodyTooLarge(limit: limit)
                }
                bytes += chunk
            }
            return bytes
        case .webSocket, .streams: throw .malformed("a connection that was upgraded has no body")
        }
    }
}

extension ByteStream {
    fileprivate func nextTyped() async throws(HTTPError) -> [UInt8]? {
        do {
            return try await next()
        } catch {
            cancel()
            throw error as? HTTPError ?? .connectionLost(reason: "\(error)")
        }
    }
}
