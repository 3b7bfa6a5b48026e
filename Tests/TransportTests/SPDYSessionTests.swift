import HTTP
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(15))) struct SPDYSessionTests {
    /// Sends back what comes on each stream, until its end.
    private static func echo(_ connection: any MultiplexedConnection) async {
        await withDiscardingTaskGroup { group in
            while let stream = await connection.accept() {
                group.addTask {
                    while let bytes = try? await stream.receive() { try? await stream.send(bytes) }
                    await stream.finish()
                }
            }
        }
    }

    private static func answer(_ request: HTTPRequest) -> HTTPResponse {
        HTTPResponse(101, body: .streams(protocol: "portforward.k8s.io", run: echo))
    }

    private static let twoStreams: [UInt8] = {
        var client = SPDYClient()
        return client.open(1, ["streamtype": "error"], isFinal: true) + client.open(3, ["port": "80"])
            + client.data(3, [1, 2, 3]) + client.data(3, [], isFinal: true)
    }()

    /// In order on each stream; the streams overtake each other.
    private static func check(_ frames: [ServerFrame]) {
        let first: [ServerFrame] = [.reply(1), .data(1, [], isFinal: true)]
        #expect(frames.filter(first.contains) == first)
        let second: [ServerFrame] = [.reply(3), .data(3, [1, 2, 3], isFinal: false), .data(3, [], isFinal: true)]
        #expect(frames.filter(second.contains) == second)
    }

    @Test func goesInAWebSocket() async throws {
        try await Lab.run {
            Self.answer($0)
        } _: { lab in
            let socket = try await lab.client().webSocket(
                HTTPRequest(.get, "/"), subprotocols: ["SPDY/3.1+portforward.k8s.io"])
            // Cut where no frame ends.
            try await socket.send(.binary(Array(Self.twoStreams.prefix(30))))
            try await socket.send(.binary(Array(Self.twoStreams.dropFirst(30))))
            var (bytes, frames): ([UInt8], [ServerFrame]) = ([], [])
            while frames.count < 5, case .binary(let more)? = try await socket.receive() {
                bytes += more
                frames += try ServerFrame.take(&bytes)
            }
            Self.check(frames)
            await socket.close(code: 1000)
        }
    }

    @Test func goesOnTheConnectionItself() async throws {
        try await Lab.run {
            Self.answer($0)
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.plainPort)
            let head =
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n"
                + "X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
            // The first frames come together with the request.
            try await connection.send(Array(head.utf8) + Self.twoStreams)
            var text = ""
            var frames: [ServerFrame] = []
            while frames.count < 5 {
                let more = await connection.read(until: "")
                try #require(!more.isEmpty, "the server closed the connection")
                text += more
                let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
                guard parts.count == 2 else { continue }
                #expect(parts[0].hasPrefix("HTTP/1.1 101 "))
                #expect(parts[0].contains("X-Stream-Protocol-Version: portforward.k8s.io"))
                var bytes = parts[1].unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                frames = try ServerFrame.take(&bytes)
            }
            Self.check(frames)
            await connection.close()
        }
    }

    @Test func withoutAnUpgradeItIsRefused() async throws {
        try await Lab.run {
            Self.answer($0)
        } _: { lab in
            let response = try await lab.client().handle(HTTPRequest(.post, "/"))
            #expect(response.status == 400)
        }
    }

    @Test func aFaultEndsTheStreamsAndSaysSo() async throws {
        var client = SPDYClient()
        let (input, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        feed.yield(client.open(1, [:]) + client.data(1, [7]))
        feed.yield(client.data(9, [1]))
        let sent = Mutex<[UInt8]>([])
        let session = SPDYSession(
            send: { bytes in
                sent.withLock { $0 += bytes }
                return true
            }, abort: {})
        await session.serve(reading: input) { connection in
            let stream = await connection.accept()
            #expect((try? await stream?.receive()) == [7])
            await #expect(throws: HTTPError.self) { try await stream?.receive() }
            await #expect(throws: HTTPError.self) { try await stream?.send([1]) }
            #expect(await connection.accept() == nil)
        }
        var bytes = sent.withLock { $0 }
        #expect(try ServerFrame.take(&bytes).contains(.goAway(status: 1)))
    }

    /// A source is read only as far as the bound while nobody takes what it brings.
    @Test func whatNobodyTakesIsNotRead() async throws {
        let pulled = Atomic<Int>(0)
        let input = ByteStream(next: {
            let number = pulled.add(1, ordering: .relaxed).newValue
            var client = SPDYClient()
            if number == 1 { return client.open(1, [:]) }
            return number < 200 ? client.data(1, [UInt8](repeating: 1, count: 64 << 10)) : nil
        })
        let session = SPDYSession(send: { _ in true }, abort: {})
        await session.serve(reading: input) { connection in
            let stream = await connection.accept()
            await #expect(throws: Never.self) { try await until { pulled.load(ordering: .relaxed) >= 17 } }
            for _ in 0..<1_000 { await Task.yield() }
            #expect(pulled.load(ordering: .relaxed) == 17)
            for _ in 0..<150 { #expect((try? await stream?.receive())?.count == 64 << 10) }
        }
    }
}
