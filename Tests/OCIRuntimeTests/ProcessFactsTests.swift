import OCIRuntime
import Testing

@Suite struct ProcessFactsTests {
    private static func line(_ name: String, _ state: String, start: String) -> String {
        "17 (\(name)) \(state) 1 17 17 0 -1 4194560 103 0 0 0 1 2 3 4 20 0 1 0 \(start) 2265088 27 18446744073709551615\n"
    }

    @Test func theTwentiethFieldAfterTheNameIsTheStart() {
        #expect(ProcessFacts.start(in: Self.line("sh", "S", start: "2899042")) == 2_899_042)
        #expect(ProcessFacts.start(in: Self.line("a) R 1 (b) 5", "R", start: "7")) == 7)
    }

    @Test(arguments: ["Z", "X"]) func whatHasEndedHasNone(_ state: String) {
        #expect(ProcessFacts.start(in: Self.line("sh", state, start: "7")) == nil)
    }

    @Test(arguments: ["", "17 (sh", "17 (sh)", "17 (sh) S 1 2 3", line("sh", "S", start: "7a")])
    func whatIsCutOrNoNumberHasNone(_ text: String) {
        #expect(ProcessFacts.start(in: text) == nil)
    }

    @Test func theLastNumberIsThatOfTheInnermostNamespace() {
        #expect(ProcessFacts.innermostNumber(in: "Name:\tsh\nPid:\t9\nNSpid:\t4711\t23\t1\nNSpgid:\t9\n") == 1)
        #expect(ProcessFacts.innermostNumber(in: "NSpid:\t4711\n") == 4711)
        #expect(ProcessFacts.innermostNumber(in: "Pid:\t9\n") == nil)
    }
}
