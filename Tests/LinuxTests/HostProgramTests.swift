import Glibc
import Linux
import Testing

@Suite struct HostProgramTests {
    private func run(_ script: String, input: String = "", deadline: Duration = .seconds(60)) throws -> String? {
        try HostProgram.run("/bin/sh", ["-c", script], input: input, deadline: deadline)
    }

    @Test func readsItsInputInAnEnvironmentOfItsOwn() throws {
        #expect(try run("read word && test \"$word\" = given && ! read more", input: "given\n") == nil)
        #expect(try run("test -z \"$HOME\"") == nil)
    }

    @Test(arguments: [
        ("echo 'no such rule' >&2; echo more >&2; exit 1", "no such rule; more"), ("exit 3", "exit code 3"),
        ("kill -9 $$", "signal 9"),
    ])
    func whatWentWrongIsSaid(script: String, words: String) throws {
        #expect(try run(script) == words)
    }

    @Test func itGetsNoDescriptorOfOurs() throws {
        let open = fcntl(0, F_DUPFD, 200)
        defer { close(open) }
        #expect(open >= 200)
        #expect(try run("! test -e /proc/self/fd/\(open)") == nil)
    }

    @Test func oneThatDoesNotEndIsEnded() throws {
        let error = #expect(throws: KernelError.self) { try run("sleep 1000", deadline: .zero) }
        #expect(error?.code == ETIMEDOUT)
    }

    @Test func oneThatIsMissingIsNamed() throws {
        let error = #expect(throws: KernelError.self) {
            try HostProgram.run("/nowhere/parser", [], input: "", deadline: .seconds(60))
        }
        #expect(error?.description.contains("/nowhere/parser") == true)
    }
}
