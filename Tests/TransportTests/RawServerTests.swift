import HTTP
import Testing
import Transport

/// What no well-behaved client sends.
@Suite(.timeLimit(.minutes(15))) struct RawServerTests {
    private func raw(
        limits: ServerLimits = .patient, _ send: String, until mark: String? = nil
    ) async throws -> String {
        let box = Box()
        try await Lab.run(limits: limits) {
            .text("[\($0.path) \($0.body.count)]")
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.plainPort)
            try await connection.send(send)
            box.text = await connection.read(until: mark)
            await connection.close()
        }
        return box.text
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        let requests = (1...20).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        let text = try await raw(requests, until: "[/20 0]")
        let order = (1...20).map { text.range(of: "[/\($0) 0]") }
        #expect(order.allSatisfy { $0 != nil })
        #expect(order.compactMap { $0 } == order.compactMap { $0 }.sorted { $0 < $1 })
    }

    @Test(arguments: [
        ("nonsense\r\n\r\n", "400"), ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", "413"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 70_000) + "\r\n\r\n", "431"),
        ("GET /" + String(repeating: "x", count: 70_000) + " HTTP/1.1\r\nHost: a\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 300) + "\r\n", "431"),
    ])
    func refusesAndCloses(_ request: String, _ status: String) async throws {
        // Read until the server closes.
        #expect(try await raw(request).hasPrefix("HTTP/1.1 " + status))
    }

    @Test func refusesABodyThatGrowsOverTheLimit() async throws {
        var limits = ServerLimits.patient
        limits.bodyBytes = 10
        let text = try await raw(
            limits: limits,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n")
        #expect(text.hasPrefix("HTTP/1.1 413"))
        limits.bufferedBodyBytes = 5
        let busy = try await raw(
            limits: limits, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678")
        #expect(busy.hasPrefix("HTTP/1.1 503"))
    }

    @Test func invitesABodyThatWaits() async throws {
        try await Lab.run {
            .text("[\($0.body.count)]")
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.plainPort)
            try await connection.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(await connection.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            try await connection.send("abc")
            #expect(await connection.read(until: "[3]").hasPrefix("HTTP/1.1 200"))
            await connection.close()
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /a HTTP/1.1\r\n\r\n"])
    func tellsWhoSpeaksHTTPWhereTLSIsSpoken(_ request: String) async throws {
        try await Lab.run { _ in
            .text("x")
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.tlsPort)
            try await connection.send(request)
            let text = await connection.read()
            #expect(text.hasPrefix("HTTP/1.0 400 "))
            #expect(text.hasSuffix("\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"))
        }
    }

    @Test func closesOnClientsThatDawdle() async throws {
        var limits = ServerLimits.patient
        limits.headTime = .milliseconds(50)
        limits.idleTime = .milliseconds(50)
        limits.handshakeTime = .milliseconds(50)
        try await Lab.run(limits: limits) { _ in
            .text("x")
        } _: { lab in
            for (port, text) in [(lab.plainPort, ""), (lab.plainPort, "GET / HT"), (lab.tlsPort, "")] {
                let connection = try await RawConnection.open(port: port)
                // The server may be faster.
                try? await connection.send(text)
                #expect(await connection.read() == "")
            }
        }
    }

    @Test func saysThatABodyIsLate() async throws {
        var limits = ServerLimits.patient
        limits.bodyTime = .milliseconds(50)
        let text = try await raw(limits: limits, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
        #expect(text.hasPrefix("HTTP/1.1 408"))
    }

    @Test func closesConnectionsOverTheLimit() async throws {
        var limits = ServerLimits.patient
        limits.connections = 2
        try await Lab.run(limits: limits) { _ in
            .text("x")
        } _: { lab in
            let first = try await RawConnection.open(port: lab.plainPort)
            try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await first.read(until: "x")
            let second = try await RawConnection.open(port: lab.plainPort)
            try await second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await second.read(until: "x")
            let third = try await RawConnection.open(port: lab.plainPort)
            #expect(await third.read() == "")
            await first.close()
            await second.close()
        }
    }

    @Test func closesWhenTheClientAsks() async throws {
        #expect(try await raw("GET /a HTTP/1.0\r\n\r\n").hasSuffix("[/a 0]"))
        #expect(
            try await raw("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").hasSuffix("[/a 0]"))
    }

    @Test func anUpgradeToSomethingElseIsAnOrdinaryRequest() async throws {
        let text = try await raw(
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
        )
        #expect(text.hasPrefix("HTTP/1.1 200"))
        #expect(text.hasSuffix("[/a 0]"))
    }
}

/// A value that a closure leaves behind.
private final class Box {
    var text = ""
}

extension String {
    /// Where `part` first is, in bytes; nil where it is not.
    fileprivate func range(of part: String) -> Int? {
        let (all, wanted) = (Array(utf8), Array(part.utf8))
        guard wanted.count <= all.count else { return nil }
        return (0...(all.count - wanted.count)).first { Array(all[$0..<($0 + wanted.count)]) == wanted }
    }
}
