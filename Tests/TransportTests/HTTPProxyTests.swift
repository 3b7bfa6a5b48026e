import Glibc
import HTTP
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct HTTPProxyTests {
    private static let password = "Basic dTpw"

    private func secure(_ lab: Lab, _ name: String, through proxy: HTTPProxy) throws -> HTTPClient {
        let tls = ClientTLS(trust: .authority(lab.authority.certificatePEM))
        return try HTTPClient(
            .https(host: name, port: 4443, tls), proxy: proxy, limits: .patient, threads: lab.threads)
    }

    private func plain(_ lab: Lab, through proxy: HTTPProxy) throws -> HTTPClient {
        try HTTPClient(.http(host: "plain.test", port: 80), proxy: proxy, limits: .patient, threads: lab.threads)
    }

    private func failure(_ client: HTTPClient) async throws -> HTTPError {
        try #require(await #expect(throws: HTTPError.self) { try await client.handle(HTTPRequest(.get, "/")) })
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 204\r\nVia: x\r\nContent-Length: 7\r\n\r\n"])
    func aServerOfTLSIsReachedByATunnel(_ answer: String) async throws {
        try await Lab.run {
            .text($0.path + ($0.headers["Proxy-Authorization"] ?? ""))
        } _: { lab in
            try await TestProxy.run(.tunnel(to: lab.tlsPort, after: answer)) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port, authorization: Self.password)
                let client = try secure(lab, "lab.test", through: way)
                for path in ["/a", "/b"] {
                    // The password is for the proxy alone.
                    #expect(try await client.handle(HTTPRequest(.get, path)).text == path)
                }
                let host = "lab.test:4443"
                #expect(
                    proxy.asked == [
                        "CONNECT \(host) HTTP/1.1\r\nHost: \(host)\r\nProxy-Authorization: \(Self.password)\r\n\r\n"
                    ])
            }
        }
    }

    @Test func aServerWithoutTLSIsAskedForByItsAddress() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) { proxy in
                for authorization in [nil, Self.password] {
                    let way = HTTPProxy(host: "127.0.0.1", port: proxy.port, authorization: authorization)
                    let request = HTTPRequest(.get, "/v2/", query: [QueryItem("n", "1")])
                    #expect(try await plain(lab, through: way).handle(request).text == "hi")
                    let head = try #require(proxy.asked.last)
                    #expect(head.hasPrefix("GET http://plain.test"), "\(head)")
                    #expect(head.contains("/v2/?n=1 HTTP/1.1\r\n") && head.contains("\r\nHost: plain.test"), "\(head)")
                    #expect(head.contains("Proxy-Authorization: \(Self.password)\r\n") == (authorization != nil))
                }
            }
        }
    }

    /// The server's certificate names the address of the proxy too.
    @Test func theServersCertificateIsStillTheServers() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.tunnel(to: lab.tlsPort, after: "HTTP/1.1 200 OK\r\n\r\n")) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port)
                let endpoint = "https://wrong.test:4443 through the proxy http://127.0.0.1:\(proxy.port)"
                for other in ["b.lab.test", "192.0.2.1", "127.0.0.2"] {
                    let error = try await failure(secure(lab, other, through: way))
                    guard case .refused(.otherCertificate(of: .server), _) = error else { throw error }
                }
                #expect(try await secure(lab, "127.0.0.1", through: way).handle(HTTPRequest(.get, "/")).status == 200)
                let error = try await failure(secure(lab, "wrong.test", through: way))
                #expect(error == .refused(.otherCertificate(of: .server), endpoint: endpoint))
                #expect("\(error)" == "cannot connect to \(endpoint): the server's certificate is for another name")
            }
        }
    }

    @Test func aPatternInACertificateIsForOneLabel() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            let server = try await HTTPServer.start(
                on: [.tls(host: "127.0.0.1", port: 0)], tls: Lab.serverTLS(lab.authority, name: "*.lab.test"),
                limits: .patient, threads: lab.threads, logger: Lab.quiet, handler: Answer { _ in .text("") })
            let port = server.addresses[0].port ?? 0
            try await TestProxy.run(.tunnel(to: port, after: "HTTP/1.1 200 OK\r\n\r\n")) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port)
                for name in ["A.lab.test", "a.lab.test."] {
                    #expect(try await secure(lab, name, through: way).handle(HTTPRequest(.get, "/")).status == 200)
                }
                for other in ["lab.test", "a.lab.test..", "a.b.lab.test", ".lab.test", "a.other.test"] {
                    _ = try await failure(secure(lab, other, through: way))
                }
            }
            await server.stop(within: .seconds(1))
        }
    }

    @Test func theCertificateOfAProxyIsTheProxys() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            // Its authority is none of the system's.
            for (port, refusal) in [
                (lab.tlsPort, ConnectionRefusal.untrustedCertificate(of: .proxy)),
                (lab.plainPort, .speaksNoTLS(.proxy)),
            ] {
                let way = HTTPProxy(isSecure: true, host: "127.0.0.1", port: port)
                for client in [try secure(lab, "lab.test", through: way), try plain(lab, through: way)] {
                    guard case .refused(let found, let endpoint) = try await failure(client) else {
                        Issue.record("no refusal of \(refusal)")
                        continue
                    }
                    #expect(found == refusal && endpoint.hasSuffix(" through the proxy https://127.0.0.1:\(port)"))
                }
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy answered 403"),
        ("SSH-2.0-x\r\n\r\n", "the proxy does not speak HTTP"),
        ("HTTP/1.1 2x0\r\n\r\n", "the proxy does not speak HTTP"),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 1 << 20), "the proxy does not speak HTTP"),
    ])
    func aProxyThatMakesNoTunnelIsTold(_ answer: String, _ reason: String) async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.bytes(answer)) { proxy in
                let error = try await failure(
                    secure(lab, "lab.test", through: HTTPProxy(host: "127.0.0.1", port: proxy.port)))
                let endpoint = "https://lab.test:4443 through the proxy http://127.0.0.1:\(proxy.port)"
                #expect(error == .connectFailed(endpoint: endpoint, reason: reason), "\(error)")
            }
        }
    }

    @Test(arguments: [nil, password]) func aProxyThatWantsAPasswordIsTold(_ authorization: String?) async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.bytes("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port, authorization: authorization)
                for client in [try secure(lab, "lab.test", through: way), try plain(lab, through: way)] {
                    let error = try await failure(client)
                    guard case .refused(let refusal, _) = error else { throw error }
                    #expect(refusal == .wantsPassword(given: authorization != nil))
                    #expect("\(error)".contains(" through the proxy http://127.0.0.1:\(proxy.port): the proxy "))
                    #expect(!"\(error)".contains(Self.password))
                }
            }
        }
    }

    @Test func aProxyThatGoesAwayIsNamed() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.bytes("")) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port)
                for client in [try secure(lab, "lab.test", through: way), try plain(lab, through: way)] {
                    #expect(
                        "\(try await failure(client))".contains(" through the proxy http://127.0.0.1:\(proxy.port)"))
                }
            }
            let (port, holder) = try unheardPort()
            defer { Glibc.close(holder) }
            let error = try await failure(plain(lab, through: HTTPProxy(host: "127.0.0.1", port: port)))
            guard case .connectFailed(let endpoint, "Connection refused") = error else { throw error }
            #expect(endpoint.hasSuffix(" through the proxy http://127.0.0.1:\(port)"))
        }
    }

    @Test func aProxyThatSaysNothingIsNamed() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            try await TestProxy.run(.silence) { proxy in
                let way = HTTPProxy(host: "127.0.0.1", port: proxy.port)
                var limits = ClientLimits.patient
                limits.totalTime = .milliseconds(50)
                let tls = ClientTLS(trust: .authority(lab.authority.certificatePEM))
                for endpoint in [HTTPEndpoint.https(host: "a.test", port: 443, tls), .http(host: "a.test", port: 80)] {
                    let client = try HTTPClient(endpoint, proxy: way, limits: limits, threads: lab.threads)
                    let error = try await failure(client)
                    #expect(error == .timedOut(after: .milliseconds(50), through: "http://127.0.0.1:\(proxy.port)"))
                    #expect("\(error)".hasSuffix(" through the proxy http://127.0.0.1:\(proxy.port)"))
                }
            }
        }
    }
}
