import APIMachinery
import CRI
import HTTP
import Synchronization
import TestSupport
import Testing

@testable import Streaming

@Suite struct CommandProtocolTests {
    /// Puts out what it is given, and ends with 3 after the input's end.
    private final class Echo: ContainerStreams {
        private let (input, source) = AsyncStream<[UInt8]>.makeStream()

        func receive() async throws(CRIError) -> StreamChunk? {
            for await bytes in input { return .standardOutput(bytes) }
            return nil
        }
        func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
            source.yield(bytes)
            source.finish()
        }
        func closeStandardInput() async { source.finish() }
        func resize(_ size: TerminalSize) async {}
        func exitCode() async throws(CRIError) -> Int32 { 3 }
        func close() async { source.finish() }
    }

    private func session(_ protocols: String?, _ input: WebSocketMessage) async throws -> (String, [WebSocketMessage]) {
        var headers: HTTPHeaders = ["Connection": "keep-alive, Upgrade", "Upgrade": "websocket"]
        headers["Sec-WebSocket-Protocol"] = protocols
        let response = try RemoteCommand.answer(
            HTTPRequest(.get, "/", headers: headers),
            ExecRequest(container: "c", command: ["cat"], standardInput: true),
            time: SystemTime()
        ) { () throws(CRIError) in Echo() }
        guard case .webSocket(let chosen, _, let run) = response.body else { throw Status.badRequest("no WebSocket") }
        let socket = FakeWebSocket([input])
        await run(socket)
        return (chosen, socket.sent)
    }

    private static let failure = "command terminated with non-zero exit code: exit status 3"

    @Test(arguments: ["channel.k8s.io", nil]) func theOldestEndsInWords(name: String?) async throws {
        let (chosen, sent) = try await session(name, .binary([0] + Array("hi".utf8)))
        #expect(chosen == name ?? "")
        #expect(sent == [.binary([1] + Array("hi".utf8)), .binary([3] + Array(Self.failure.utf8))])
    }

    @Test func textIsInBase64() async throws {
        let (chosen, sent) = try await session("base64.channel.k8s.io", .text("0aGk="))
        #expect(chosen == "base64.channel.k8s.io")
        #expect(sent == [.text("1aGk="), .text("3" + Bytes(Self.failure.utf8).base64)])
        // What is no message of the protocol is passed over.
        let (_, other) = try await session("v4.base64.channel.k8s.io", .text("0aGk="))
        guard case .text(let end) = other.last else { return #expect(Bool(false)) }
        #expect(
            Bytes(base64: String(end.dropFirst())).map { String(decoding: $0.array, as: UTF8.self) }?.contains(
                #""ExitCode""#) == true)
    }

    @Test func aLaterOneEndsWithAStatus() async throws {
        let (chosen, sent) = try await session("channel.k8s.io, v4.channel.k8s.io", .binary([0, 65]))
        #expect(chosen == "v4.channel.k8s.io")
        guard case .binary(let end) = sent.last else { return #expect(Bool(false)) }
        #expect(end.first == 3 && String(decoding: end, as: UTF8.self).contains(#""ExitCode""#))
    }
}
