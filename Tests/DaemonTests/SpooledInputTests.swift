import Glibc
import Linux
import Testing

@testable import Daemon

@Suite struct SpooledInputTests {
    @Test func allOfItIsThere() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        try StandardStreams.write(Array("all of it".utf8), to: ends[1])
        close(ends[1])
        let input = try SpooledInput(ends[0])
        #expect(try WholeFile.read(input.path, limit: 100) == Array("all of it".utf8))
        withExtendedLifetime(input) {}
    }

    /// An error is no end: what came before it would be taken for the whole.
    @Test func whatCannotBeReadIsNoInput() throws {
        let directory = try Descriptor.open("/", O_RDONLY | O_DIRECTORY)
        let error = #expect(throws: DaemonError.self) { try SpooledInput(directory.raw) }
        #expect(error?.description == "read standard input: Is a directory")
    }

    @Test func aClosedOneIsNamed() {
        let error = #expect(throws: DaemonError.self) { try SpooledInput(-1) }
        #expect(error?.description.contains("standard input is closed") == true)
    }
}
