import Glibc
import HTTP
import PKI
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(15))) struct HTTPServerTests {
    @Test func handsTheRequestToTheHandler() async throws {
        try await Lab.run { request in
            .text(
                "\(request.method.rawValue) \(request.path) \(request.query("a") ?? "-") \(request.headers["x-one"] ?? "-") "
                    + String(decoding: request.body, as: UTF8.self))
        } _: { lab in
            for client in [try lab.client(), try lab.plainClient(), try lab.unixClient()] {
                let request = HTTPRequest(
                    .post, "/p q", query: [QueryItem("a", "b c")], headers: ["X-One": "1"], body: Array("body".utf8))
                let response = try await client.handle(request)
                #expect(response.status == 200)
                #expect(response.headers["Content-Length"] != nil)
                #expect(try await response.text == "POST /p q b c 1 body")
            }
        }
    }

    @Test func knowsWhoIsThere() async throws {
        try await Lab.run {
            .text("\($0.peer)")
        } _: { lab in
            let user = try lab.user("alice", ["dev", "system:masters"])
            let named = try await lab.client(as: user).handle(HTTPRequest(.get, "/")).text
            #expect(
                named == "\(Peer.certificate(commonName: "alice", organizations: ["dev", "system:masters"]))")
            #expect(try await lab.client().handle(HTTPRequest(.get, "/")).text == "\(Peer.anonymous)")
            #expect(try await lab.plainClient().handle(HTTPRequest(.get, "/")).text == "\(Peer.anonymous)")
            let local = try await lab.unixClient().handle(HTTPRequest(.get, "/")).text
            #expect(local == "\(Peer.local(uid: getuid(), pid: getpid()))")
        }
    }

    @Test func refusesForeignClientsAndServers() async throws {
        try await Lab.run { _ in
            .text("in")
        } _: { lab in
            let other = try CertificateAuthority(commonName: "other", nowSeconds: Lab.now)
            let stranger = try other.issue(
                .client(commonName: "mallory", organizations: ["system:masters"]), nowSeconds: Lab.now)
            await #expect(throws: HTTPError.self) { try await lab.client(as: stranger).handle(HTTPRequest(.get, "/")) }
            // A serving certificate is no client's.
            let misused = try lab.authority.issue(
                .server(commonName: "admin", organizations: ["system:masters"], dnsNames: ["x"], addresses: []),
                nowSeconds: Lab.now)
            await #expect(throws: HTTPError.self) { try await lab.client(as: misused).handle(HTTPRequest(.get, "/")) }
            #expect(try await lab.client(serverName: "lab.test").handle(HTTPRequest(.get, "/")).text == "in")
            let distrusting = try HTTPClient(
                .https(host: "127.0.0.1", port: lab.tlsPort, ClientTLS(trust: .authority(other.certificatePEM))),
                threads: lab.threads)
            await #expect(throws: HTTPError.self) { try await distrusting.handle(HTTPRequest(.get, "/")) }
            let probe = try HTTPClient(
                .https(host: "127.0.0.1", port: lab.tlsPort, ClientTLS(trust: .anyone)), threads: lab.threads)
            #expect(try await probe.handle(HTTPRequest(.get, "/")).text == "in")
        }
    }

    @Test func sendsLargeBodiesWhole() async throws {
        let part = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        try await Lab.run { _ in
            HTTPResponse(200, body: .parts([part, [], part, [7]]))
        } _: { lab in
            for client in [try lab.client(), try lab.unixClient()] {
                let response = try await client.handle(HTTPRequest(.get, "/"))
                #expect(try await response.bytes(limit: 1 << 20) == part + part + [7])
            }
        }
    }

    @Test func headHasNoBody() async throws {
        try await Lab.run { request in
            request.path == "/stream"
                ? HTTPResponse(200, body: .stream(ByteStream(next: { Array("x".utf8) }))) : .text("four")
        } _: { lab in
            let client = try lab.plainClient()
            let response = try await client.handle(HTTPRequest(.head, "/"))
            #expect(response.headers["content-length"] == "4")
            #expect(try await response.bytes(limit: 0) == [])
            #expect(try await client.handle(HTTPRequest(.get, "/")).text == "four")
        }
    }

    @Test func leavesNoBodyOnStatusesWithoutOne() async throws {
        try await Lab.run { _ in
            HTTPResponse(204)
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.delete, "/"))
            #expect(response.status == 204)
            #expect(response.headers["content-length"] == nil)
        }
    }

    @Test func fieldsCannotBeSmuggledIn() async throws {
        try await Lab.run { _ in
            HTTPResponse(
                200, headers: ["Warning": "a\r\nX-Evil: 1", "Bad Name": "x", "Content-Length": "999"],
                body: .parts([Array("ok".utf8)]))
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.get, "/"))
            #expect(response.headers["x-evil"] == nil)
            #expect(response.headers["warning"] == "a  X-Evil: 1")
            #expect(try await response.text == "ok")
        }
    }

    @Test func namesThePortInUse() async throws {
        try await Lab.run { _ in
            .text("")
        } _: { lab in
            let taken = "http://127.0.0.1:\(lab.plainPort)"
            await #expect(throws: TransportError.addressInUse(taken)) {
                _ = try await HTTPServer.start(
                    on: [.plain(host: "127.0.0.1", port: lab.plainPort)], threads: lab.threads, logger: Lab.quiet,
                    handler: Answer { _ in .text("") })
            }
            await #expect(throws: TransportError.addressInUse("unix:" + lab.socket)) {
                _ = try await HTTPServer.start(
                    on: [.unix(path: lab.socket)], threads: lab.threads, logger: Lab.quiet,
                    handler: Answer { _ in .text("") })
            }
            await #expect(throws: TransportError.self) {
                _ = try await HTTPServer.start(
                    on: [.plain(host: "not an address", port: 0)], threads: lab.threads, logger: Lab.quiet,
                    handler: Answer { _ in .text("") })
            }
            let still = try await lab.unixClient().handle(HTTPRequest(.get, "/"))
            #expect(still.status == 200)
        }
    }

    @Test func replacesAStaleSocketAndSetsItsMode() async throws {
        let threads = IOThreads(count: 1)
        let directory = scratchDirectory()
        let path = directory + "/s"
        for _ in 0..<2 {
            // A file that nobody serves, as a killed daemon leaves it.
            let stale = open(path, O_CREAT | O_WRONLY, 0o777)
            Glibc.close(stale)
            let server = try await HTTPServer.start(
                on: [.unix(path: path, mode: 0o660)], threads: threads, logger: Lab.quiet,
                handler: Answer { _ in .text("") })
            var info = stat()
            #expect(stat(path, &info) == 0)
            #expect(info.st_mode & 0o777 == 0o660)
            #expect(info.st_mode & S_IFMT == S_IFSOCK)
            await server.stop()
            #expect(stat(path, &info) != 0)
        }
        rmdir(directory)
        await threads.stop()
    }

    @Test func newConnectionsUseTheReloadedCertificate() async throws {
        try await Lab.run { _ in
            .text("x")
        } _: { lab in
            let old = try lab.client(serverName: "lab.test")
            #expect(try await old.handle(HTTPRequest(.get, "/")).status == 200)
            try lab.server.reload(tls: Lab.serverTLS(lab.authority, name: "next.test", addresses: []))
            #expect(throws: TransportError.self) {
                try lab.server.reload(tls: ServerTLS(certificatePEM: "no", keyPEM: "no"))
            }
            #expect(try await lab.client(serverName: "next.test").handle(HTTPRequest(.get, "/")).status == 200)
            for name in ["lab.test", nil] {
                await #expect(throws: HTTPError.self) {
                    try await lab.client(serverName: name).handle(HTTPRequest(.get, "/"))
                }
            }
            // The connection that was open goes on.
            #expect(try await old.handle(HTTPRequest(.get, "/")).status == 200)
        }
    }

    @Test func stopLetsRequestsFinish() async throws {
        let entered = Signal()
        let leave = Signal()
        try await Lab.run { _ in
            entered.set()
            await leave.wait()
            return .text("done")
        } _: { lab in
            let client = try lab.client()
            async let answer = client.handle(HTTPRequest(.get, "/")).text
            await entered.wait()
            async let stopped: Void = lab.server.stop(within: .seconds(30))
            leave.set()
            #expect(try await answer == "done")
            await stopped
            await #expect(throws: HTTPError.self) { try await client.handle(HTTPRequest(.get, "/")) }
        }
    }

    /// One that ends well when its task is cancelled, and one that does not.
    @Test func stopEndsAtOnceWhatHasNoEnd() async throws {
        let waits = [Signal(), Signal()]
        try await Lab.run { request in
            let (never, waiting) = AsyncStream.makeStream(of: [UInt8].self)
            waiting.yield([1])
            let reader = SequenceReader(never)
            let isRough = request.path == "/rough"
            let stream = ByteStream(
                next: {
                    let next = await reader.next()
                    if next == nil && isRough { throw CancellationError() }
                    return next
                }, cancel: { waits[isRough ? 1 : 0].set() })
            return HTTPResponse(200, body: .stream(stream.endless))
        } _: { lab in
            var streams: [ByteStream] = []
            for path in ["/", "/rough"] {
                let response = try await lab.plainClient().handle(HTTPRequest(.get, path))
                guard case .stream(let stream) = response.body else {
                    Issue.record("not a stream")
                    return
                }
                #expect(try await stream.next() == [1])
                streams.append(stream)
            }
            await lab.server.stop(within: .seconds(60))
            for wait in waits { await wait.wait() }
            #expect(try await streams[0].next() == nil)
            // Cut within a response: no fault of what was said.
            let end = await #expect(throws: HTTPError.self) { try await streams[1].next() }
            guard case .connectionLost = end else {
                Issue.record("\(String(describing: end))")
                return
            }
        }
    }

    @Test func stopEndsAWebSocketThatHasNoEnd() async throws {
        let (never, _) = AsyncStream.makeStream(of: Never.self)
        try await Lab.run { _ in
            HTTPResponse(
                101,
                body: .webSocket(subprotocol: "a", isEndless: true) { socket in
                    try? await socket.send(.binary([1]))
                    for await _ in never {}
                })
        } _: { lab in
            let socket = try await lab.plainClient().webSocket(HTTPRequest(.get, "/"), subprotocols: ["a"])
            #expect(try await socket.receive() == .binary([1]))
            await lab.server.stop(within: .seconds(60))
            // Closed in order: one that is cut ends with an error.
            #expect(try await socket.receive() == nil)
        }
    }

    /// More than any socket holds is on its way to a client that reads none of it.
    @Test func stopWaitsForNoReaderOfWhatHasNoEnd() async throws {
        let (isAsked, isCancelled) = (Signal(), Signal())
        let parts = Mutex<[[UInt8]]>([[UInt8](repeating: 2, count: 64 << 20), [1]])
        try await Lab.run { _ in
            let stream = ByteStream(
                next: {
                    let part = parts.withLock { $0.popLast() }
                    if part?.first == 2 { isAsked.set() }
                    return part
                }, cancel: { isCancelled.set() })
            return HTTPResponse(200, body: .stream(stream.endless))
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.get, "/"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            #expect(try await stream.next() == [1])
            await isAsked.wait()
            let time = await ContinuousClock().measure { await lab.server.stop(within: .seconds(600)) }
            await isCancelled.wait()
            #expect(time < .seconds(300))
            stream.cancel()
        }
    }

    /// What was on its way when the server was stopped comes to whoever reads it.
    @Test func stopCutsNoReaderOfWhatHasNoEnd() async throws {
        let (isAsked, size) = (Signal(), 64 << 20)
        let parts = Mutex<[[UInt8]]>([[UInt8](repeating: 2, count: size), [1]])
        var limits = ServerLimits.patient
        limits.partingTime = .seconds(900)
        try await Lab.run(limits: limits) { request in
            // The parts are the first one's alone.
            guard request.path == "/parts" else { return HTTPResponse(204) }
            let stream = ByteStream(next: {
                let part = parts.withLock { $0.popLast() }
                if part?.first == 2 { isAsked.set() }
                return part
            })
            return HTTPResponse(200, body: .stream(stream.endless))
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.get, "/parts"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            #expect(try await stream.next() == [1])
            await isAsked.wait()
            async let stopped: Void = lab.server.stop(within: .seconds(600))
            // It listens no more, so the stop has begun.
            while (try? await lab.unixClient().handle(HTTPRequest(.get, "/"))) != nil { await Task.yield() }
            var received = 0
            while let part = try await stream.next() { received += part.count }
            #expect(received == size)
            await stopped
        }
    }

    @Test func stopLetsABodyWithAnEndFinish() async throws {
        let isStopped = Signal()
        let parts = Mutex<[[UInt8]]>([[2], [1]])
        try await Lab.run { request in
            // The parts are the first one's alone.
            guard request.path == "/parts" else { return HTTPResponse(204) }
            return HTTPResponse(
                200,
                body: .stream(
                    ByteStream(next: {
                        let part = parts.withLock { $0.popLast() }
                        if part == [2] { await isStopped.wait() }
                        return part
                    })))
        } _: { lab in
            let response = try await lab.plainClient().handle(HTTPRequest(.get, "/parts"))
            guard case .stream(let stream) = response.body else {
                Issue.record("not a stream")
                return
            }
            #expect(try await stream.next() == [1])
            async let stopped: Void = lab.server.stop(within: .seconds(60))
            // It listens no more, so the stop has begun.
            while (try? await lab.unixClient().handle(HTTPRequest(.get, "/"))) != nil { await Task.yield() }
            isStopped.set()
            #expect(try await stream.next() == [2])
            #expect(try await stream.next() == nil)
            await stopped
        }
    }
}
