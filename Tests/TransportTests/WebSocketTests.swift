import Glibc
import HTTP
import NIOCore
import NIOPosix
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(15))) struct WebSocketTests {
    private static func echo(_ request: HTTPRequest) -> HTTPResponse {
        HTTPResponse(
            101,
            body: .webSocket(
                subprotocol: request.query("protocol") ?? "v5.channel.k8s.io",
                run: { socket in
                    while let message = try? await socket.receive() { try? await socket.send(message) }
                }))
    }

    @Test func carriesMessagesBothWays() async throws {
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            for client in [try lab.client(), try lab.plainClient(), try lab.unixClient()] {
                let socket = try await client.webSocket(
                    HTTPRequest(.get, "/exec"), subprotocols: ["v5.channel.k8s.io", "v4.channel.k8s.io"])
                let messages: [WebSocketMessage] = [
                    .text("é"), .binary([]), .binary([1, 2, 3]),
                    .binary([UInt8](repeating: 9, count: 1 << 20)), .text(""),
                ]
                for message in messages {
                    try await socket.send(message)
                    #expect(try await socket.receive() == message)
                }
                await socket.close(code: 1000)
                #expect(try await socket.receive() == nil)
                await #expect(throws: HTTPError.self) { try await socket.send(.text("late")) }
            }
        }
    }

    @Test func manyMessagesInFlight() async throws {
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            let socket = try await lab.client().webSocket(HTTPRequest(.get, "/"), subprotocols: ["v5.channel.k8s.io"])
            async let sending: Void = {
                for number in 0..<2_000 {
                    try await socket.send(.binary([UInt8](repeating: UInt8(number & 255), count: 997)))
                }
            }()
            for number in 0..<2_000 {
                let message = try await socket.receive()
                #expect(message == .binary([UInt8](repeating: UInt8(number & 255), count: 997)))
            }
            try await sending
            await socket.close(code: 1000)
        }
    }

    /// Its other end may take nothing for as long as it likes, as a program that is not at its input yet: the kernel would count what waits for it as not
    /// acknowledged, and cut the connection. An ordinary call is given up on.
    @Test func aSessionHasNoBoundForWhatWaits() async throws {
        try await Lab.run { request in
            request.path == "/session" ? Self.echo(request) : .text("plain")
        } _: { lab in
            for (client, port) in [(try lab.client(), lab.tlsPort), (try lab.plainClient(), lab.plainPort)] {
                _ = try await client.handle(HTTPRequest(.get, "/")).text
                #expect(Self.bounds(ofConnectionsTo: port) == [30_000])
                let socket = try await client.webSocket(
                    HTTPRequest(.get, "/session"), subprotocols: ["v5.channel.k8s.io"])
                #expect(Self.bounds(ofConnectionsTo: port).contains(0))
                await socket.close(code: 1000)
            }
        }
    }

    /// How long, in milliseconds, what this process has sent to a port may stay unacknowledged, by connection; 0: without bound.
    private static func bounds(ofConnectionsTo port: Int) -> [UInt32] {
        (Int32(0)..<4096).compactMap { descriptor in
            var peer = sockaddr_in()
            var (length, size) = (socklen_t(MemoryLayout<sockaddr_in>.size), socklen_t(MemoryLayout<UInt32>.size))
            let isNamed = withUnsafeMutablePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) == 0 }
            }
            var bound: UInt32 = 0
            guard isNamed, peer.sin_family == sa_family_t(AF_INET), Int(UInt16(bigEndian: peer.sin_port)) == port,
                getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &bound, &size) == 0
            else { return nil }
            return bound
        }
    }

    /// Neither takes what the other sends for the reason that its own is not taken.
    @Test func bothMaySendMoreThanTheLineHolds() async throws {
        @Sendable func exchange(_ socket: any WebSocketConnection) async throws {
            async let sending: Void = {
                for _ in 0..<64 { try await socket.send(.binary([UInt8](repeating: 1, count: 256 << 10))) }
            }()
            for _ in 0..<64 { #expect(try await socket.receive() != nil) }
            try await sending
        }
        try await Lab.run { _ in
            HTTPResponse(101, body: .webSocket(subprotocol: "a", run: { try? await exchange($0) }))
        } _: { lab in
            for client in [try lab.client(), try lab.plainClient()] {
                try await exchange(try await client.webSocket(HTTPRequest(.get, "/"), subprotocols: ["a"]))
            }
        }
    }

    @Test func theServerEndsWithItsHandler() async throws {
        try await Lab.run { _ in
            HTTPResponse(
                101,
                body: .webSocket(
                    subprotocol: "v5.channel.k8s.io",
                    run: { socket in try? await socket.send(.binary([3] + Array("{}".utf8))) }))
        } _: { lab in
            let socket = try await lab.client().webSocket(HTTPRequest(.get, "/"), subprotocols: ["v5.channel.k8s.io"])
            #expect(try await socket.receive() == .binary([3] + Array("{}".utf8)))
            #expect(try await socket.receive() == nil)
        }
    }

    /// The connection may go while the answer to the upgrade is on its way: then nobody else tells the session of its end.
    @Test func oneThatOpensOnAConnectionThatIsGoneHasEnded() async throws {
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            let channel = try await ClientBootstrap(group: lab.threads.group)
                .connect(host: "127.0.0.1", port: lab.plainPort).get()
            try await channel.close()
            let ended = Signal()
            let session = try await channel.eventLoop.submit {
                WebSocketUpgrade.install(on: channel, masks: false, limit: 1_024, onInactive: { ended.set() })
            }.get()
            await ended.wait()
            await #expect(throws: HTTPError.self) { try await session.receive() }
            await #expect(throws: HTTPError.self) { try await session.send(.text("late")) }
            await session.close(code: 1000)
        }
    }

    /// The frames come together with the 101 response, and the client answers the closing one while its HTTP decoder is leaving.
    @Test func aServerMayEndAtOnce() async throws {
        try await Lab.run { _ in
            HTTPResponse(
                101,
                body: .webSocket(
                    subprotocol: "v5.channel.k8s.io",
                    run: { socket in
                        try? await socket.send(.binary([1, 65]))
                        try? await socket.send(.binary([3]))
                    }))
        } _: { lab in
            for client in [try lab.plainClient(), try lab.unixClient()] {
                for _ in 0..<20 {
                    let socket = try await client.webSocket(
                        HTTPRequest(.get, "/"), subprotocols: ["v5.channel.k8s.io"])
                    #expect(try await socket.receive() == .binary([1, 65]))
                    #expect(try await socket.receive() == .binary([3]))
                    #expect(try await socket.receive() == nil)
                }
            }
        }
    }

    @Test func theHandlerLearnsThatTheClientIsGone() async throws {
        let ended = Signal()
        let cancelled = Signal()
        try await Lab.run { _ in
            HTTPResponse(
                101,
                body: .webSocket(
                    subprotocol: "",
                    run: { socket in
                        await withTaskCancellationHandler {
                            // The end of the connection or the cancellation, whichever is first.
                            await #expect(throws: (any Error).self) { while try await socket.receive() != nil {} }
                            ended.set()
                            await cancelled.wait()
                        } onCancel: {
                            cancelled.set()
                        }
                    }))
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.plainPort)
            try await connection.send(Self.handshake)
            _ = await connection.read(until: "\r\n\r\n")
            await connection.close()
            await ended.wait()
            await cancelled.wait()
        }
    }

    @Test func receiveCanBeCancelled() async throws {
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            let socket = try await lab.client().webSocket(HTTPRequest(.get, "/"), subprotocols: ["v5.channel.k8s.io"])
            let waiting = Task { try await socket.receive() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            try await socket.send(.text("still"))
            #expect(try await socket.receive() == .text("still"))
            await socket.close(code: 1000)
        }
    }

    @Test func refusalsReachTheClient() async throws {
        try await Lab.run { request in
            request.path == "/other" ? Self.echo(request) : .text("no such pod", status: 404)
        } _: { lab in
            let client = try lab.client()
            let refused = await #expect(throws: HTTPError.self) {
                _ = try await client.webSocket(HTTPRequest(.get, "/"), subprotocols: ["a"])
            }
            #expect(refused.map { "\($0)" }?.contains("404") ?? false)
            #expect(refused.map { "\($0)" }?.contains("no such pod") ?? false)
            // A subprotocol that was not offered.
            await #expect(throws: HTTPError.self) {
                _ = try await client.webSocket(
                    HTTPRequest(.get, "/other", query: [QueryItem("protocol", "b")]), subprotocols: ["a"])
            }
        }
    }

    @Test func theAnswerNamesTheSubprotocolOrTheRefusal() async throws {
        try await Lab.run { request in
            request.path == "/exec" ? Self.echo(request) : .text("no such pod", status: 404)
        } _: { lab in
            let client = try lab.client()
            let offered = ["v4.channel.k8s.io", "v5.channel.k8s.io"]
            let answer = try await client.askForWebSocket(HTTPRequest(.get, "/exec"), subprotocols: offered)
            guard case .opened(let socket, let subprotocol) = answer else { throw HTTPError.malformed("refused") }
            #expect(subprotocol == "v5.channel.k8s.io")
            await socket.close(code: 1000)
            let refusal = try await client.askForWebSocket(HTTPRequest(.get, "/"), subprotocols: offered)
            guard case .refused(let response) = refusal else { throw HTTPError.malformed("opened") }
            #expect(response.status == 404)
            #expect(try await response.bytes(limit: 100) == Array("no such pod".utf8))
        }
    }

    @Test func anOrdinaryRequestIsNoHandshake() async throws {
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            let response = try await lab.client().handle(HTTPRequest(.get, "/"))
            #expect(response.status == 400)
        }
    }

    static let handshake =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    /// A client's frame, masked with zeros.
    private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [first, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
    }

    /// Sends bytes after the handshake, and reads until `mark` or the end.
    private func exchange(_ bytes: [[UInt8]], until mark: String?) async throws -> String {
        var text = ""
        let socket = RawExchange()
        try await Lab.run {
            Self.echo($0)
        } _: { lab in
            let connection = try await RawConnection.open(port: lab.plainPort)
            // The first frame comes with the handshake, as an eager client sends it.
            try await connection.send(Array(Self.handshake.utf8) + (bytes.first ?? []))
            for part in bytes.dropFirst() { try await connection.send(part) }
            socket.text = await connection.read(until: mark)
            await connection.close()
        }
        text = socket.text
        return text
    }

    @Test func answersTheSampleHandshake() async throws {
        let text = try await exchange([frame(0x82, [65, 66])], until: "AB")
        #expect(text.hasPrefix("HTTP/1.1 101"))
        // RFC 6455, 1.3.
        #expect(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        #expect(text.contains("v5.channel.k8s.io"))
        #expect(text.hasSuffix("\u{82}\u{02}AB"))
    }

    @Test func joinsFragmentsAndAnswersPingsBetween() async throws {
        let text = try await exchange(
            [frame(0x01, [65]), frame(0x89, [80]), frame(0x00, [66]), frame(0x80, [67])], until: "\u{81}\u{03}ABC")
        #expect(text.contains("\u{8A}\u{01}P"))
    }

    @Test(arguments: [
        ([0x80 as UInt8], 1002), ([0x01, 0x01], 1002), ([0x83], 1002), ([0xC2], 1002),
    ])
    func closesOnBrokenFrames(_ firsts: [UInt8], _ code: Int) async throws {
        let text = try await exchange(firsts.map { frame($0, [65]) }, until: nil)
        #expect(text.contains("\u{88}\u{02}\u{03}\(Character(Unicode.Scalar(UInt8(code & 255))))"))
    }

    @Test func closesOnWhatIsTooLongUnmaskedOrNoText() async throws {
        // 2 MiB announced.
        let long = try await exchange([[0x82, 0xFF, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0]], until: nil)
        #expect(long.contains("\u{88}\u{02}\u{03}\u{F1}"))
        let unmasked = try await exchange([[0x82, 1, 65]], until: nil)
        #expect(unmasked.contains("\u{88}\u{02}\u{03}\u{EA}"))
        let broken = try await exchange([frame(0x81, [0xFF])], until: nil)
        #expect(broken.contains("\u{88}\u{02}\u{03}\u{EF}"))
    }

    @Test func echoesTheClosingCode() async throws {
        let text = try await exchange([frame(0x88, [0x03, 0xE9])], until: nil)
        #expect(text.hasSuffix("\u{88}\u{02}\u{03}\u{E9}"))
    }
}

/// A value that a closure leaves behind.
private final class RawExchange {
    var text = ""
}
