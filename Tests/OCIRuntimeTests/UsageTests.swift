import Launch
import Testing

@testable import OCIRuntime

@Suite struct UsageTests {
    @Test(arguments: Verb.allCases)
    func aPageNamesEveryOptionOfItsVerb(_ verb: Verb) {
        let page = Usage.text(of: verb)
        #expect(page.hasPrefix("usage: swiftlet-oci [GLOBAL OPTIONS] \(verb.rawValue)"))
        #expect(page.contains(verb.usage.deed) && page.contains(verb.usage.words))
        let grammar = verb.grammar
        for name in (grammar.values + grammar.flags).joined() where name != "help" && name != "h" {
            #expect(page.contains(name.count == 1 ? "-\(name)" : "--\(name)"), "\(name)")
        }
        for spellings in grammar.values + grammar.flags where spellings[0] != "help" {
            #expect(!OptionText.of(spellings[0]).meaning.isEmpty, "\(spellings[0]) has no text")
            #expect(OptionText.of(spellings[0]).value.isEmpty == grammar.flags.contains(spellings))
        }
    }

    @Test func noTextIsOfAnOptionThatThereIsNot() {
        let known = Set(Verb.allCases.flatMap { $0.grammar.values + $0.grammar.flags }.map { $0[0] })
        #expect(OptionText.all.map(\.name).filter { !known.contains($0) } == [])
        #expect(OptionText.all.map(\.name) == OptionText.all.map(\.name).sorted())
    }

    @Test func theGeneralPageNamesWhatCanBeDone() {
        for verb in Verb.allCases {
            #expect(Usage.text.contains("\n  \(verb.rawValue)") == verb.isSupported)
            for option in verb.usage.options where option.hasPrefix("[--") {
                let name = String(option.dropFirst(3).prefix { $0 != " " && $0 != "]" })
                #expect(verb.grammar.knows(name), "\(verb) \(name)")
            }
        }
        #expect(Usage.text.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }

    @Test(arguments: ["--detach", "-d", "--keep"])
    func whoCreatesHasNoOptionsOfRunning(_ option: String) throws {
        #expect(throws: OCIRuntimeError.self) { try Arguments([option, "id"], Verb.create.grammar) }
        #expect(try Arguments([option, "id"], Verb.run.grammar).words == ["id"])
    }

    /// Engines read these lines.
    @Test func theVersionIsOursAndTheSpecificationsBesides() {
        #expect(Usage.version == "swiftlet-oci version \(Release.version)\nspec: 1.2.0")
    }
}
