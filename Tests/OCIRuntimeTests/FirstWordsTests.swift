import CLaunch
import Launch
import Testing

@testable import OCIRuntime

/// The first instructions read a call before the program does: they must take for its verb what the program takes for it.
@Suite struct FirstWordsTests {
    private struct Found: Equatable {
        /// Of the verb among the words.
        var place: Int
        var root: String
    }

    private func early(_ words: [String]) -> Found? {
        withCStrings(["swiftlet-oci"] + words) { argv in
            var root: UnsafePointer<CChar>?
            guard let verb = crt_verb(argv, &root), let root else { return nil }
            return Found(place: argv.distance(to: verb) - 1, root: String(cString: root))
        }
    }

    /// Nil where the program does nothing but say something.
    private func ordinary(_ words: [String]) -> Found? {
        guard let options = try? Arguments(words[...], Invocation.grammar), !options.words.isEmpty,
            !options.has("help"), !options.has("version"), (try? Invocation(options)) != nil
        else { return nil }
        return Found(place: words.count - options.words.count, root: options["root"] ?? CRT_DEFAULT_ROOT)
    }

    @Test func everyOptionThatTheProgramKnowsIsPassedOver() {
        for name in Invocation.grammar.values.joined() {
            let value = name.hasPrefix("r") ? "/r" : name == "log-format" ? "json" : "create"
            for words in [["--\(name)", value], ["-\(name)", value], ["--\(name)=\(value)"]].map({
                $0 + ["start", "run"]
            }) {
                #expect(early(words) != nil && early(words) == ordinary(words), "\(words)")
            }
            #expect(early(["--\(name)"]) == nil)
        }
        for name in Invocation.grammar.flags.joined() where !["help", "h", "version", "v"].contains(name) {
            #expect(early(["--\(name)", "exec"]) == Found(place: 1, root: CRT_DEFAULT_ROOT), "\(name)")
        }
    }

    @Test func onlyTheFirstWordIsAVerb() {
        #expect(early(["state", "run"])?.place == 0 && early(["--log", "create", "list"])?.place == 2)
        #expect(early(["--", "create", "a"])?.place == 1 && early(["-", "create"])?.place == 0)
        for words in [
            [], ["--"], ["--help", "run"], ["-v", "run"], ["--unknown", "run"], ["--log-format", "x", "run"],
        ] {
            #expect(early(words) == nil, "\(words)")
        }
    }

    @Test func whatBothReadIsTheSame() {
        let pieces = [
            "--root", "/r", "--root=/s", "-r", "--log", "--log=", "--log-format", "json", "--log-format=text",
            "--debug",
            "-s", "--systemd-cgroup", "--cgroup-manager", "--rootless=auto", "create", "run", "start", "--", "-", "---",
            "--help", "-v", "--unknown", "-sv", "--criu", "", "=", "--=x", "--debug=false",
        ]
        var both = 0
        for seed in 0..<5000 {
            var dice = Dice(state: UInt64(seed))
            let words = (0..<(1 + dice.roll(6))).map { _ in pieces[dice.roll(pieces.count)] }
            guard let first = early(words), let whole = ordinary(words) else { continue }
            #expect(first == whole, "\(words)")
            both += 1
        }
        #expect(both > 500, "\(both) of 5000")
    }
}
