import Glibc
import HTTP
import TestSupport
import Testing

@testable import Daemon

@Suite struct JoinedStreamsTests {
    private func run(_ socket: FakeWebSocket, input: Int32) async throws -> Int32 {
        try await JoinedStreams(socket, object: "default/web", hasInput: true, hasTerminal: false, input: input).run()
    }

    /// A directory can be opened and not read.
    @Test func inputThatCannotBeReadIsNotItsEnd() async throws {
        let directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        let socket = FakeWebSocket()
        let error = await #expect(throws: DaemonError.self) { try await run(socket, input: directory) }
        #expect(error?.description.contains("Is a directory") == true)
        #expect(socket.sent.isEmpty)
    }

    @Test func theEndOfTheInputIsPassedOn() async throws {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let socket = FakeWebSocket()
        let session = Task { try await run(socket, input: null) }
        try await until { socket.sent == [.binary(ExecMessage.endOfInput)] }
        await socket.close(code: 1000)
        await #expect(throws: DaemonError.self) { try await session.value }
    }
}
