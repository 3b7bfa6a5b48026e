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

    /// As whoever shares it may have left it.
    @Test func inputThatDoesNotBlockIsWaitedFor() async throws {
        var ends: [Int32] = [-1, -1]
        let made = pipe(&ends)
        try #require(made == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        defer { close(ends[0]) }
        let socket = FakeWebSocket()
        let session = Task { [input = ends[0]] in try await run(socket, input: input) }
        var expected: [WebSocketMessage] = []
        for letter in UInt8(ascii: "a")...UInt8(ascii: "z") {
            let count = write(ends[1], [letter], 1)
            #expect(count == 1)
            expected.append(.binary(ExecMessage.standardInput([letter])))
            try await until { socket.sent == expected }
        }
        close(ends[1])
        try await until { socket.sent == expected + [.binary(ExecMessage.endOfInput)] }
        await socket.close(code: 1000)
        await #expect(throws: DaemonError.self) { try await session.value }
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
