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
                half(1, "error", "0", "0"), half(3, "error", "65536", "0"), half(5, "error", "", "0"),
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
