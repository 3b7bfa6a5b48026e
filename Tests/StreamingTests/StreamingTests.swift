import APIMachinery
import CRI
import HTTP
import JSONTree
import Synchronization
import TestSupport
import Testing

@testable import Streaming

@Suite struct StreamingTests {
    private func half(_ id: UInt32, _ type: String, _ port: String, _ request: String?) -> FakeStream {
        var headers: HTTPHeaders = ["streamtype": type, "port": port]
        headers["requestid"] = request
        return FakeStream(id, headers)
    }

    private func paired(_ streams: [FakeStream]) -> [String] {
        var connections = ForwardedConnections()
        return streams.map { stream in
            switch connections.add(stream) {
            case .wait: "wait"
            case .refuse: "refuse"
            case .connect(let pair): "\(pair.port) \(pair.error.id) \(pair.data.id)"
            }
        }
    }

    @Test func streamsOfOneConnectionFindEachOther() {
        #expect(
            paired([
                half(1, "error", "80", "0"), half(3, "error", "81", "1"), half(5, "data", "81", "1"),
                half(7, "data", "80", "0"),
            ]) == ["wait", "wait", "81 3 5", "80 1 7"])
        // Clients that name no request open them one after the other.
        #expect(paired([half(1, "error", "80", nil), half(3, "data", "80", nil)]) == ["wait", "80 1 3"])
    }

    @Test func streamsThatFitNoConnectionAreRefused() {
        #expect(
            paired([
                half(1, "error", "0", "0"), half(3, "error", "65536", "0"), half(5, "error", "+80", "0"),
                half(7, "other", "80", "0"), half(9, "error", "80", "1"), half(11, "error", "80", "1"),
                half(13, "data", "81", "1"), half(15, "data", "80", "1"),
            ]) == ["refuse", "refuse", "refuse", "refuse", "wait", "refuse", "refuse", "80 9 15"])
    }

    @Test func aFailureGoesToTheErrorStream() async {
        let (error, data) = (half(1, "error", "80", "0"), half(3, "data", "80", "0"))
        let forwarding = PortForwarding(runtime: FakeRuntimeService(), sandbox: "none", pod: "a/b", uid: "u")
        await forwarding.run(FakeStreams([error, data]))
        #expect(String(decoding: error.sent, as: UTF8.self).hasPrefix("error forwarding port 80 to pod a/b, uid u: "))
        #expect(error.isFinished && data.isFinished)
    }

    private func forwarding(_ runtime: FakeRuntimeService, _ sandbox: String) -> PortForwarding {
        PortForwarding(runtime: runtime, sandbox: sandbox, pod: "a/b", uid: "u")
    }

    @Test func portsOfAWebSocketAreToldAndTheirFailuresToo() async {
        let socket = FakeWebSocket()
        let own = forwarding(FakeRuntimeService(), "none")
        await WebSocketForwarding(forwarding: own, connection: socket, isText: false, ports: [80, 8_080]).run()
        var sent: [[UInt8]] = socket.sent.map { message in if case .binary(let bytes) = message { bytes } else { [] } }
        #expect(sent.prefix(4) == [[0, 80, 0], [1, 80, 0], [2, 0x90, 0x1f], [3, 0x90, 0x1f]])
        sent.removeFirst(4)
        #expect(sent.map(\.first) == [1, 3])
        let words = sent.map { String(decoding: $0.dropFirst(), as: UTF8.self) }
        #expect(words[1].hasPrefix("error forwarding port 8080 to pod a/b, uid u: "))
    }

    @Test(arguments: [false, true]) func aConnectionIsCarriedOnTwoChannels(isText: Bool) async {
        let backend = EchoStreams()
        let input: [WebSocketMessage] =
            isText ? [.text("0" + Bytes([1, 2]).base64), .text("1AAAA")] : [.binary([0, 1, 2]), .binary([1, 9])]
        let socket = FakeWebSocket(input)
        let own = forwarding(FakeRuntimeService(), "none")
        let session = WebSocketForwarding(forwarding: own, connection: socket, isText: isText, ports: [80])
        await session.carry([0: backend])
        // What comes on the channel for errors is nothing for the pod.
        #expect(backend.written == [1, 2])
        #expect(socket.sent == [isText ? .text("0" + Bytes([1, 2]).base64) : .binary([0, 1, 2])])
        #expect(backend.isClosed)
    }

    @Test func aWebSocketMustNameItsPorts() throws {
        func answer(_ subprotocol: String?, _ ports: String...) throws(Status) -> HTTPResponse {
            var headers: HTTPHeaders = ["Upgrade": "websocket", "Connection": "Upgrade"]
            headers["Sec-WebSocket-Protocol"] = subprotocol
            return try forwarding(FakeRuntimeService(), "none").answer(
                HTTPRequest(.get, "/", query: ports.map { QueryItem("port", $0) }, headers: headers))
        }
        for (subprotocol, taken) in [("x, v4.channel.k8s.io", "v4.channel.k8s.io"), (nil, "")] {
            guard case .webSocket(taken, _, _) = try answer(subprotocol, "80,81", "82").body else {
                Issue.record("\(subprotocol ?? "none") is not taken")
                continue
            }
        }
        guard case .streams = try answer("SPDY/3.1+portforward.k8s.io").body else {
            Issue.record("streams come first")
            return
        }
        for ports in [[], [""], ["0"], ["65536"], ["80,"], ["x"], ["+80"]] {
            let request = HTTPRequest(.get, "/", query: ports.map { QueryItem("port", $0) })
            #expect(throws: Status.self, "\(ports)") { try WebSocketForwarding.ports(request) }
        }
        #expect(throws: Status.self) { try answer("v5.channel.k8s.io", "80") }
        // Of a session that has ports the query tells nothing.
        let bare = HTTPRequest(
            .get, "/", query: [QueryItem("port", "80")], headers: ["Upgrade": "websocket", "Connection": "Upgrade"])
        for count in [0, WebSocketForwarding.mostPorts + 1] {
            let ports = [UInt16](repeating: 80, count: count)
            #expect(throws: Status.self) { try forwarding(FakeRuntimeService(), "none").answer(bare, ports: ports) }
        }
    }

    @Test func aSessionWaitsForTheStreamsItAskedFor() async {
        let request = ExecRequest(
            container: "c", command: ["sh"], terminal: true, standardInput: true, standardError: false)
        #expect(StreamCommandClient.expected(request) == ["error", "stdin", "stdout", "resize"])
        let names = ["error", "stdin", "stdout", "resize"]
        let all = names.enumerated().map { FakeStream(UInt32($0), ["streamtype": $1]) }
        let time = ManualTime()
        #expect(await StreamCommandClient.accept(request, FakeStreams(all), time: time) != nil)
        #expect(await StreamCommandClient.accept(request, FakeStreams(Array(all.prefix(3))), time: time) == nil)
        #expect(await StreamCommandClient.accept(request, FakeStreams([all[0], all[0]]), time: time) == nil)
        #expect(await StreamCommandClient.accept(request, FakeStreams([half(1, "stderr", "", nil)]), time: time) == nil)
    }

    @Test func theStatusAndTheOutputGoOnTheirStreams() async {
        let request = ExecRequest(container: "c", command: ["sh"])
        let names = ["error", "stdout", "stderr"]
        let streams = names.enumerated().map { FakeStream(UInt32($0), ["streamtype": $1]) }
        let output = ExecResult(standardOutput: [1, 2], standardError: [3], exitCode: 7)
        await RemoteCommand.run(request, over: FakeStreams(streams), time: ManualTime()) { () throws(CRIError) in
            FakeContainerStreams(result: output)
        }
        #expect(streams[1].sent == [1, 2] && streams[2].sent == [3])
        #expect(String(decoding: streams[0].sent, as: UTF8.self).contains(#""message":"7""#))
        #expect(streams.map(\.isFinished) == [true, true, true])
    }

    /// Whoever never takes the answer has run nothing.
    @Test func aCommandStartsOnceItsClientIsThere() async throws {
        let isStarted = Atomic(false)
        let request = HTTPRequest(.get, "/", headers: ["Sec-WebSocket-Protocol": "v5.channel.k8s.io"])
        let response = try RemoteCommand.answer(
            request, ExecRequest(container: "c", command: ["sh"]), time: ManualTime()
        ) { () throws(CRIError) in
            isStarted.store(true, ordering: .relaxed)
            throw .failed("never")
        }
        #expect(response.status == 101)
        let wasStarted = isStarted.load(ordering: .relaxed)
        #expect(!wasStarted)
    }

    @Test func aCommandThatIsNotThereIsToldWithAShellsExitCode() async throws {
        let streams = ["error", "stdout", "stderr"].enumerated().map { FakeStream(UInt32($0), ["streamtype": $1]) }
        await RemoteCommand.run(
            ExecRequest(container: "c", command: ["nosuch"]), over: FakeStreams(streams), time: ManualTime()
        ) { () throws(CRIError) in throw .startFailed(message: "exec \"nosuch\": not found", exitCode: 127) }
        let status = try JSONValue(parsing: streams[0].sent)
        #expect(status["reason"]?.string == "InternalError")
        #expect(status["message"]?.string?.contains("error executing command in container: ") == true)
        let causes = status["details"]?["causes"]?.array?.map { $0["message"]?.string }
        #expect(causes == ["127", "exec \"nosuch\": not found"])
    }

    @Test func anAttachEndsWellWhateverTheExitCode() async {
        let streams = ["error", "stdout", "stderr"].enumerated().map { FakeStream(UInt32($0), ["streamtype": $1]) }
        let output = ExecResult(standardOutput: [], standardError: [], exitCode: 7)
        await RemoteCommand.run(
            ExecRequest(container: "c"), over: FakeStreams(streams), time: ManualTime()
        ) { () throws(CRIError) in FakeContainerStreams(result: output) }
        #expect(String(decoding: streams[0].sent, as: UTF8.self).contains("Success"))
    }

    @Test func terminalSizesComeInLines() {
        var lines = TerminalSizeLines()
        #expect(lines.take(Array(#"{"Width":80,"Hei"#.utf8)).isEmpty)
        #expect(
            lines.take(Array("ght\":24}\nnone\n{\"Width\":70000,\"Height\":1}\n".utf8))
                == [TerminalSize(columns: 80, rows: 24), TerminalSize(columns: 65_535, rows: 1)])
        // A line without end is let go of.
        #expect(lines.take([UInt8](repeating: 65, count: 5_000)).isEmpty)
        #expect(lines.take(Array("{\"Width\":1,\"Height\":2}\n".utf8)) == [TerminalSize(columns: 1, rows: 2)])
    }

    @Test func theNewestProtocolIsTaken() throws {
        var request = HTTPRequest(
            .get, "/", headers: ["Sec-WebSocket-Protocol": "v4.channel.k8s.io, v5.channel.k8s.io"])
        #expect(try RemoteCommand.negotiate(request) == .webSocket(subprotocol: "v5.channel.k8s.io"))
        request.headers = HTTPHeaders([
            (name: "X-Stream-Protocol-Version", value: "v4.channel.k8s.io"),
            (name: "X-Stream-Protocol-Version", value: "v3.channel.k8s.io"),
        ])
        #expect(try RemoteCommand.negotiate(request) == .streams(protocol: "v4.channel.k8s.io"))
        request.headers = ["X-Stream-Protocol-Version": "v2.channel.k8s.io"]
        #expect(throws: Status.self) { try RemoteCommand.negotiate(request) }
    }
}

/// Says what it hears once, and ends.
private final class EchoStreams: ContainerStreams {
    private struct State {
        var written: [UInt8] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let (heard, hear) = AsyncStream.makeStream(of: [UInt8].self)

    var written: [UInt8] { state.withLock { $0.written } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    func receive() async throws(CRIError) -> StreamChunk? {
        for await bytes in heard { return .standardOutput(bytes) }
        return nil
    }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        state.withLock { $0.written += bytes }
        hear.yield(bytes)
        hear.finish()
    }

    func closeStandardInput() async {}
    func resize(_ size: TerminalSize) async {}
    func exitCode() async throws(CRIError) -> Int32 { 0 }
    func close() async { state.withLock { $0.isClosed = true } }
}
