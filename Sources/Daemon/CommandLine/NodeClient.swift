import APIMachinery
import Client
import HTTP
import JSONTree
import PKI
import Transport

/// Asks this node's agent over its socket. Works with the API server down, as long as the daemon runs.
package struct NodeClient: Sendable {
    private let socket: String
    private let client: HTTPClient

    package init(_ configuration: DaemonConfiguration) throws(DaemonError) {
        socket = configuration.nodeSocket
        var limits = ClientLimits()
        // An image of some gigabytes is copied and made durable within one request.
        limits.totalTime = .seconds(1_800)
        let path = socket
        client = try DaemonError.wrapping("node socket") { () throws(TransportError) in
            try HTTPClient(.unix(path: path), limits: limits, threads: IOThreads(count: 1))
        }
    }

    /// The join tokens of the server on this machine.
    package var tokens: BootstrapTokens {
        BootstrapTokens(client: APIClient(handler: client, userAgent: "swiftlet"))
    }

    /// A new token's text, which is not kept yet.
    package func newToken() async throws(DaemonError) -> JoinToken {
        let what = "a token is made on the server's machine, while the server runs"
        let answer = try await DaemonError.wrapping(what) { () async throws(DaemonError) in
            try await get(JoinPaths.authority)
        }
        let pem = answer["certificate"]?.string ?? ""
        return try DaemonError.wrapping("the server's authority") { () throws(PKIError) in
            JoinToken(authority: try PinnedAuthority(pem: pem, object: "the certificate"))
        }
    }

    package func get(_ path: String, _ query: [QueryItem] = []) async throws(DaemonError) -> JSONValue {
        try await send(.get, path, query)
    }

    package func send(
        _ method: HTTPMethod, _ path: String, _ query: [QueryItem] = [], body: JSONValue? = nil
    ) async throws(DaemonError) -> JSONValue {
        let response = try await answer(HTTPRequest(method, path, query: query, body: body?.encoded() ?? []))
        let bytes = try await wrapped { () async throws(HTTPError) in try await response.bytes(limit: 64 << 20) }
        guard let value = try? JSONValue(parsing: bytes) else {
            throw DaemonError("the daemon at \(socket) answered \(path) with something that is no JSON")
        }
        return value
    }

    /// A body, piece by piece as it comes.
    /// - Parameter cut: what is said where the daemon breaks off and runs on.
    package func pieces(
        _ path: String, _ query: [QueryItem], cut: String = Self.cut, _ take: ([UInt8]) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        try await pieces(of: try await answer(HTTPRequest(.get, path, query: query)), cut: cut, take)
    }

    package static let cut = "the daemon cut the connection"

    /// The lines of JSON that a long command answers with, as they come.
    package func lines(
        _ path: String, body: JSONValue, _ take: (JSONValue) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        try await lines(of: try await answer(HTTPRequest(.post, path, body: body.encoded())), take)
    }

    /// What happens on the node from now on; ends when the daemon does.
    /// - Parameter since: `LogStart.query`'s: also what has happened since then.
    package func events(
        since: QueryItem? = nil, _ take: (JSONValue) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        let request = HTTPRequest(.get, "/v1/events", query: since.map { [$0] } ?? [])
        try await lines(of: try await answer(request), take)
        throw DaemonError("\(socket): the daemon has stopped")
    }

    /// The exit codes of containers of `swiftlet run`, in the order of their names, each as soon as it and those before it have ended.
    package func waitForEnds(
        of names: [String], _ take: (Int64) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        // All are asked for before the first is waited for: one that goes at its end is then not missed.
        var answers: [(name: String, response: HTTPResponse)] = []
        for name in names {
            let request = HTTPRequest(.get, "/v1/run/wait", query: [QueryItem("name", name)])
            answers.append((name, try await answer(request)))
        }
        for (name, response) in answers {
            var code: Int64?
            try await lines(of: response) { line throws(DaemonError) in
                if let message = line["message"]?.string { throw DaemonError(message) }
                code = line["exitCode"]?.integer
            }
            guard let code else { throw DaemonError("\(socket): the daemon ended before container \(name) did") }
            try take(code)
        }
    }

    private func lines(
        of response: HTTPResponse, _ take: (JSONValue) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        var rest: [UInt8] = []
        func takeLines() throws(DaemonError) {
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                if let value = try? JSONValue(parsing: Array(rest[..<end])) { try take(value) }
                rest.removeSubrange(...end)
            }
        }
        try await pieces(of: response) { piece throws(DaemonError) in
            rest += piece
            try takeLines()
        }
    }

    private func pieces(
        of response: HTTPResponse, cut: String = Self.cut, _ take: ([UInt8]) throws(DaemonError) -> Void
    ) async throws(DaemonError) {
        guard case .stream(let stream) = response.body else { return try take(Array(response.parts.joined())) }
        while true {
            let piece: [UInt8]?
            do { piece = try await stream.next() } catch { throw await ending(error, cut) }
            guard let piece else { return }
            try take(piece)
        }
    }

    /// Of a body that broke off. A daemon that runs cuts those who read too slowly.
    private func ending(_ error: any Error, _ cut: String) async -> DaemonError {
        do throws(HTTPError) {
            _ = try await client.handle(HTTPRequest(.get, "/v1/certificates"))
            return DaemonError("\(socket): \(cut): \(error)")
        } catch {
            return DaemonError("\(socket): the daemon has stopped")
        }
    }

    package func webSocket(
        _ path: String, _ query: [QueryItem], subprotocol: String
    ) async throws(DaemonError) -> any WebSocketConnection {
        let request = HTTPRequest(.get, path, query: query)
        let asked = try await wrapped { () async throws(HTTPError) in
            try await client.askForWebSocket(request, subprotocols: [subprotocol])
        }
        switch asked {
        case .opened(let session, _): return session
        case .refused(let response): throw await Self.refusal(response, of: request)
        }
    }

    private func answer(_ request: HTTPRequest) async throws(DaemonError) -> HTTPResponse {
        let response = try await wrapped { () async throws(HTTPError) in try await client.handle(request) }
        guard response.status >= 300 else { return response }
        throw await Self.refusal(response, of: request)
    }

    /// With the message of the Status that the daemon answered.
    private static func refusal(_ response: HTTPResponse, of request: HTTPRequest) async -> DaemonError {
        let bytes = (try? await response.bytes(limit: 1 << 20)) ?? []
        let message = (try? JSONValue(parsing: bytes))?["message"]?.string
        return DaemonError(message ?? "the daemon answered \(request.path) with \(response.status)")
    }

    private func wrapped<Value>(
        _ body: () async throws(HTTPError) -> Value
    ) async throws(DaemonError) -> Value {
        do throws(HTTPError) {
            return try await body()
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: HTTPError) -> DaemonError {
        guard case .connectFailed(_, let reason) = error else { return DaemonError("\(socket): \(error)") }
        return DaemonError(
            "no daemon answers at \(socket) (\(reason)). Start it with `swiftlet server` or `systemctl start swiftlet`, "
                + "as root; if it has its own run directory, name it with --run-dir")
    }
}
