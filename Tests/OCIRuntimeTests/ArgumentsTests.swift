import Testing

@testable import OCIRuntime

@Suite struct ArgumentsTests {
    private let grammar = Arguments.Grammar(values: [["bundle", "b"]], flags: [["force", "f"], ["quiet", "q"]])

    @Test(arguments: [["--bundle", "/x", "id"], ["--bundle=/x", "id"], ["-b", "/x", "id"], ["-bundle", "/x", "id"]])
    func readsAValueInEverySpelling(_ words: [String]) throws {
        let arguments = try Arguments(words[...], grammar)
        #expect(arguments["bundle"] == "/x")
        #expect(try arguments.container() == "id")
    }

    @Test func readsFlagsTogetherAndAfterWords() throws {
        let arguments = try Arguments(["id", "-fq"], grammar)
        #expect(arguments.has("force") && arguments.has("quiet"))
    }

    @Test(arguments: ["-fqb /x id", "-fqb=/x id", "id -qfb /x"])
    func readsFlagsTogetherWithAValueLast(_ text: String) throws {
        let arguments = try Arguments(text.split(separator: " ").map(String.init)[...], grammar)
        #expect(arguments.has("force") && arguments.has("quiet") && arguments["bundle"] == "/x")
        #expect(try arguments.container() == "id")
        #expect(throws: OCIRuntimeError.self) { try Arguments(["-bf", "/x"], grammar) }
        #expect(throws: OCIRuntimeError.self) { try Arguments(["-fx"], grammar) }
    }

    @Test func leavesWhatFollowsAWordAlone() throws {
        var grammar = grammar
        grammar.stopsAtWord = true
        #expect(try Arguments(["id", "--force"], grammar).words == ["id", "--force"])
    }

    @Test func refusesWhatItDoesNotKnow() {
        #expect(throws: OCIRuntimeError.self) { try Arguments(["--bundel", "x"], grammar) }
        #expect(throws: OCIRuntimeError.self) { try Arguments(["--bundle"], grammar) }
    }
}
