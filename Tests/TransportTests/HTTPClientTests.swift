import Glibc
import HTTP
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct HTTPClientTests {
    @Test func keepsConnections() async throws {
        try await Lab.run { _ in
            .text("x")
        } _: { lab in
            var limits = ClientLimits.patient
            limits.connections = 1
            let client = try lab.client(limits: limits)
            for _ in 0..<50 {
                #expect(try await client.handle(HTTPRequest(.get, "/")).text == "x")
            }
        }
    }

    @Test func sendsATargetAsItWasGiven() async throws {
        try await Lab.run { request in
            .text(request.path + " " + request.query.map { $0.name + "=" + $0.value }.joined())
        } _: { lab in
            let client = try lab.plainClient()
            var request = HTTPRequest(.get, "/other")
            request.target = "/a%2Fb?c=%2b+"
            #expect(try await client.handle(request).text == "/a/b c=+ ")
        }
    }

    @Test func refusesBeyondItsConnections() async throws {
        let entered = Signal()
        let leave = Signal()
        try await Lab.run { _ in
            entered.set()
            await leave.wait()
            return .text("x")
        } _: { lab in
            var limits = ClientLimits.patient
            limits.connections = 1
            let client = try lab.plainClient(limits: limits)
            async let first = client.handle(HTTPRequest(.get, "/")).text
            await entered.wait()
            let error = await #expect(throws: HTTPError.self) { try await client.handle(HTTPRequest(.get, "/")) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("connections are open"))
            leave.set()
            #expect(try await first == "x")
        }
    }

    @Test func sendsAgainWhereAKeptConnectionWasStale() async throws {
        // The server forgets idle connections at once, so every kept one is stale, or about to be.
        var limits = ServerLimits.patient
        limits.idleTime = .milliseconds(1)
        try await Lab.run(limits: limits) { _ in
            .text("x")
        } _: { lab in
            let client = try lab.plainClient()
            for _ in 0..<200 {
                let response = try? await client.handle(HTTPRequest(.get, "/"))
                // A fresh connection may be closed as idle before the request is there.
                if let response { #expect(try await response.text == "x") }
            }
        }
    }

    @Test func givesUpInTime() async throws {
        let leave = Signal()
        try await Lab.run { _ in
            await leave.wait()
            return .text("x")
        } _: { lab in
            var limits = ClientLimits.patient
            limits.totalTime = .milliseconds(50)
            for client in [try lab.client(limits: limits), try lab.plainClient(limits: limits)] {
                await #expect(throws: HTTPError.timedOut(after: .milliseconds(50))) {
                    try await client.handle(HTTPRequest(.get, "/"))
                }
            }
            leave.set()
        }
    }

    @Test func refusesALargeBody() async throws {
        try await Lab.run { _ in
            HTTPResponse(200, body: .parts([[UInt8](repeating: 0, count: 2_000)]))
        } _: { lab in
            var limits = ClientLimits.patient
            limits.bodyBytes = 1_000
            let client = try lab.plainClient(limits: limits)
            await #expect(throws: HTTPError.bodyTooLarge(limit: 1_000)) {
                try await client.handle(HTTPRequest(.get, "/"))
            }
        }
    }

    @Test func saysWhyThereIsNoConnection() async throws {
        let threads = IOThreads(count: 1)
        let (port, holder) = try unheardPort()
        defer { Glibc.close(holder) }
        let client = try HTTPClient(.http(host: "127.0.0.1", port: port), threads: threads)
        await #expect(
            throws: HTTPError.connectFailed(endpoint: "http://127.0.0.1:\(port)", reason: "Connection refused")
        ) { try await client.handle(HTTPRequest(.get, "/")) }
        let gone = try HTTPClient(.unix(path: "/tmp/no-such-socket"), threads: threads)
        await #expect(
            throws: HTTPError.connectFailed(
                endpoint: "unix:/tmp/no-such-socket", reason: "No such file or directory")
        ) { try await gone.handle(HTTPRequest(.get, "/")) }
        await #expect(throws: HTTPError.self) {
            try await TCPProbe.check(host: "127.0.0.1", port: port, within: .seconds(1), threads: threads)
        }
        await threads.stop()
    }

    @Test func probesAPort() async throws {
        try await Lab.run { _ in
            .text("x")
        } _: { lab in
            try await TCPProbe.check(
                host: "127.0.0.1", port: lab.plainPort, within: .seconds(120), threads: lab.threads)
        }
    }

    @Test func showsAnotherCertificateOnceItIsReloaded() async throws {
        try await Lab.run { request in
            guard case .certificate(let name, _) = request.peer else { return .text("nobody") }
            return .text(name)
        } _: { lab in
            let client = try lab.client(as: try lab.user("old", []))
            #expect(try await client.handle(HTTPRequest(.get, "/")).text == "old")
            let renewed = try lab.user("new", [])
            let tls = ClientTLS(
                trust: .authority(lab.authority.certificatePEM), certificatePEM: renewed.certificatePEM,
                keyPEM: renewed.keyPEM)
            try client.reload(tls: tls)
            #expect(try await client.handle(HTTPRequest(.get, "/")).text == "new")
            var broken = tls
            broken.keyPEM = "none"
            #expect(throws: TransportError.self) { try client.reload(tls: broken) }
            #expect(try await client.handle(HTTPRequest(.get, "/")).text == "new")
        }
    }

    @Test func doesNotFollowRedirects() async throws {
        try await Lab.run { _ in
            HTTPResponse(302, headers: ["Location": "/b"])
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.get, "/a"))
            #expect(response.status == 302)
        }
    }

    @Test func manyAtOnce() async throws {
        try await Lab.run { request in
            .text(request.path)
        } _: { lab in
            let client = try lab.client()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask { try await client.handle(HTTPRequest(.get, "/\(number)")).text == "/\(number)" }
                }
                for try await same in group { #expect(same) }
            }
        }
    }
}
