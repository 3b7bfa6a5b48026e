import JSONTree
import TestSupport
import Testing

@Suite struct JSONParserTests {
    @Test(arguments: [UInt64](1...20)) func whatIsWrittenReadsBack(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let value = JSONValue.random(depth: 5, using: &random)
            #expect(try JSONValue(parsing: value.encoded()) == value, "seed \(seed)")
            #expect(try JSONValue(parsing: value.encoded(isPretty: true)) == value, "seed \(seed)")
        }
    }

    @Test(arguments: [UInt64](1...20)) func damagedTextNeverTraps(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            var bytes = JSONValue.random(depth: 4, using: &random).encoded()
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let value = try? JSONValue(parsing: bytes) {
                #expect((try? JSONValue(parsing: value.encoded())) == value, "seed \(seed)")
            }
            for end in stride(from: 0, to: bytes.count, by: 7) { _ = try? JSONValue(parsing: Array(bytes[..<end])) }
        }
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}",
        "'a'",
        "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "nul", "True", "\"", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "1 2", "[1 2]",
        "{} x",
        "\u{feff}1", "--1", "-01", "[,1]", "{,}", "\"\\", "\"\\u", "/* */ 1",
    ]) func refuses(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test func leavesOutMembersOfAName() throws {
        let text = #"{"a":{"b":[1,{"c":"]}\\\"["}],"d":[]},"b":{"e":"}"},"f":{"b":"kept"},"g":[{"b":[]},{"b":7}]}"#
        let value = try JSONValue(parsing: Array(text.utf8), leavingOut: ["b"])
        #expect(value == ["a": ["d": []], "f": ["b": "kept"], "g": [[:], ["b": 7]]])
        for end in 0..<text.utf8.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8.prefix(end)), leavingOut: ["b"]) }
        }
    }

    @Test func refusesWhatIsNotUTF8() {
        for bytes: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x5c, 0x6e] + bytes + [0x22]) }
        }
    }

    @Test func readsEscapes() throws {
        let value = try JSONValue(parsing: #""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\u0000""#)
        #expect(value == .string("\"\\/\u{8}\u{c}\n\r\tAé😀\u{0}"))
    }

    @Test func keepsNumbersExact() throws {
        #expect(try JSONValue(parsing: "9223372036854775807") == .integer(.max))
        #expect(try JSONValue(parsing: "-9223372036854775808") == .integer(.min))
        #expect(try JSONValue(parsing: "9223372036854775808") == .number("9223372036854775808"))
        #expect(try JSONValue(parsing: "-9223372036854775809") == .number("-9223372036854775809"))
        #expect(try JSONValue(parsing: "1.0") == .number("1.0"))
        #expect(try JSONValue(parsing: "-0") == .integer(0))
        #expect(try JSONValue(parsing: "1E400") == .number("1E400"))
    }

    @Test func endsAtTheDepthLimit() throws {
        let limits = JSONLimits(maximumDepth: 64)
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(64), limits: limits)
        #expect(throws: JSONError(.tooDeep(limit: 64), at: 64)) { try JSONValue(parsing: nested(65), limits: limits) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func endsAtTheSizeLimit() {
        #expect(throws: JSONError(.tooLarge(limit: 3), at: 3)) {
            try JSONValue(parsing: Array("[1,2]".utf8), limits: JSONLimits(maximumBytes: 3))
        }
    }

    @Test func namesRepeatedKeys() throws {
        var duplicates: [DuplicateKey] = []
        let text = #"{"spec":{"containers":[{"name":"a"},{"name":"b","image":"x","name":"c"}]},"kind":"A","spec":1}"#
        let value = try JSONValue(parsing: Array(text.utf8), duplicates: &duplicates)
        #expect(duplicates.map(\.description) == ["spec.containers[1].name", "spec"])
        #expect(value == ["kind": "A", "spec": 1])
    }

    @Test func namesRepeatedKeysOfLargeObjects() throws {
        let members = (0..<100).reversed().map { "\"k\($0)\":\($0)" } + ["\"k7\":true"]
        var duplicates: [DuplicateKey] = []
        let text = "{\"x\":{\(members.joined(separator: ","))}}"
        let value = try JSONValue(parsing: Array(text.utf8), duplicates: &duplicates)
        #expect(duplicates.map(\.description) == ["x.k7"])
        #expect(value["x"]?["k7"] == true && value["x"]?["k99"] == 99 && value["x"]?.object?.count == 100)
    }

    @Test func recordsABoundedNumberOfRepetitions() throws {
        let members = Array(repeating: "\"a\":1", count: 1_000)
        var duplicates: [DuplicateKey] = []
        _ = try JSONValue(parsing: Array("{\(members.joined(separator: ","))}".utf8), duplicates: &duplicates)
        #expect(duplicates.count == 64)
    }

    @Test func longKnownKeysSurvive() throws {
        let text =
            #"{"terminationGracePeriodSeconds":1,"terminationGracePeriodSecondz":2,"kubernetes.io/metadata.name":3}"#
        let value = try JSONValue(parsing: text)
        #expect(value["terminationGracePeriodSeconds"] == 1)
        #expect(value["terminationGracePeriodSecondz"] == 2)
        #expect(value["kubernetes.io/metadata.name"] == 3)
    }

    @Test func errorsSayWhatAndWhere() {
        #expect(throws: JSONError(.unexpectedByte(UInt8(ascii: "}"), expected: "a key"), at: 7)) {
            try JSONValue(parsing: #"{"a":1,}"#)
        }
        #expect(
            JSONError(.unexpectedByte(UInt8(ascii: "}"), expected: "a key"), at: 7).description
                == "invalid JSON at offset 7: expected a key, found '}'")
    }
}
