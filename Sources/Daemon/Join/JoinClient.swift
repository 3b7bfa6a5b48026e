import HTTP
import JSONTree
import PKI
import Transport

/// The agent's side of joining.
struct JoinClient: Sendable {
    let server: ServerAddress
    let threads: IOThreads

    /// What a machine shows to the server.
    enum Proof: Sendable {
        case token(JoinToken)
        /// The certificate that it has already.
        case certificate(Credential)
        /// The password alone, which every request holds.
        case password
    }

    /// The authority's certificate, from a server that is not trusted yet: nothing secret is sent. It is trusted by its fingerprint alone.
    func authority(pinnedBy token: JoinToken) async throws(DaemonError) -> PinnedAuthority {
        let value = try await send(HTTPRequest(.get, JoinPaths.authority), ClientTLS(trust: .anyone))
        let object = "the authority that \(server) shows"
        let found = try DaemonError.wrapping("join") { () throws(PKIError) in
            try PinnedAuthority(pem: value["certificate"]?.string ?? "", object: object)
        }
        guard found.fingerprint == token.fingerprint else {
            throw DaemonError(
                "\(server) is not the server that the token is of: its authority is \(found.fingerprint), the token's "
                    + "\(token.fingerprint); check --server, or get a token there with `swiftlet token create`")
        }
        return found
    }

    func join(_ request: JoinRequest, _ proof: Proof, authorityPEM: String) async throws(DaemonError) -> JoinAnswer {
        var tls = ClientTLS(trust: .authority(authorityPEM))
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        switch proof {
        case .token(let token): headers["Authorization"] = "Bearer \(token.bearer)"
        case .certificate(let credential):
            tls.certificatePEM = credential.certificatePEM
            tls.keyPEM = credential.keyPEM
        case .password: break
        }
        let value = try await send(
            HTTPRequest(.post, JoinPaths.join, headers: headers, body: request.json.encoded()), tls)
        guard let answer = JoinAnswer(json: value) else {
            throw DaemonError("\(server) answered a join in a way that cannot be read; is it a swiftlet server?")
        }
        return answer
    }

    private func send(_ request: HTTPRequest, _ tls: ClientTLS) async throws(DaemonError) -> JSONValue {
        var limits = ClientLimits()
        limits.bodyBytes = 1 << 20
        limits.idleConnections = 0
        let (server, threads) = (server, threads)
        let client = try DaemonError.wrapping("\(server)") { () throws(TransportError) in
            try HTTPClient(.https(host: server.host, port: server.port, tls), limits: limits, threads: threads)
        }
        let bytes: [UInt8]
        let status: Int
        do throws(HTTPError) {
            let response = try await client.handle(request)
            status = response.status
            bytes = try await response.bytes(limit: limits.bodyBytes)
        } catch {
            throw DaemonError("the server does not answer: \(error); check --server and that it runs")
        }
        let value = try? JSONValue(parsing: bytes)
        guard status == 200, let value else {
            let words = value?["message"]?.string ?? String(decoding: bytes.prefix(300), as: UTF8.self)
            throw DaemonError("\(server) refuses (\(status)): \(words)")
        }
        return value
    }
}
