import JSONTree
import TestSupport
import Testing

@Suite struct YAMLTests {
    private func parse(_ text: String) throws -> JSONValue {
        let documents = try YAML.documents(in: text)
        return documents.count == 1 ? documents[0] : .array(documents)
    }

    @Test(arguments: [
        ("a: 1", #"{"a":1}"#), ("- a\n- b: c\n  d: [1, {e: f}]", #"["a",{"b":"c","d":[1,{"e":"f"}]}]"#),
        (
            "a: yes\nb: no\nc: on\nd: 'yes'\ne: !!str no\nf: True",
            #"{"a":true,"b":false,"c":true,"d":"yes","e":"no","f":true}"#
        ),
        ("a: 0644\nb: 0x1f\nc: 0b11\nd: 0o17\ne: 1_000\nf: 08", #"{"a":420,"b":31,"c":3,"d":15,"e":1000,"f":8}"#),
        (
            "a: 1.5\nb: .5\nc: 1.\nd: +2\ne: 1e3\nf: -1.5E-3\ng: 1.2.3",
            #"{"a":1.5,"b":0.5,"c":1,"d":2,"e":1e3,"f":-1.5E-3,"g":"1.2.3"}"#
        ),
        ("a: 18446744073709551616", #"{"a":18446744073709551616}"#),
        ("a: ~\nb:\nc: null\nd: ''", #"{"a":null,"b":null,"c":null,"d":""}"#),
        ("80: a\ntrue: b\n\"x\": c", #"{"80":"a","true":"b","x":"c"}"#),
        ("a: 2026-01-31\nb: 12:30\nc: 10.0.0.1", #"{"a":"2026-01-31","b":"12:30","c":"10.0.0.1"}"#),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y", #"{"a":"x\ny\n","b":"x y"}"#),
        ("a: &x {b: 1}\nc: *x\nd: [*x, *x]", #"{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}"#),
        ("base: &b {x: 1, z: 2}\na:\n  <<: *b\n  z: 3", #"{"base":{"x":1,"z":2},"a":{"x":1,"z":3}}"#),
        ("p: &p {x: 1}\nq: &q {x: 2, z: 4}\na:\n  <<: [*p, *q]", #"{"p":{"x":1},"q":{"x":2,"z":4},"a":{"x":1,"z":4}}"#),
        ("# only a comment\n---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", #"[{"a":1},{"b":2}]"#), ("", "[]"),
        ("---\n", "[]"),
        ("{\"a\": [1, \"\\u00e9\\n\"]}", #"{"a":[1,"é\n"]}"#), ("a: \"x\ty\"", #"{"a":"x\ty"}"#),
        ("a: -x\nb: --flag\ny: n", #"{"a":"-x","b":"--flag","true":false}"#),
    ]) func reads(pair: (String, String)) throws {
        #expect(try parse(pair.0) == JSONValue(parsing: pair.1))
    }

    @Test(arguments: [
        "a: [", "a: b: c", "\ta: 1", "a: *x", "a: .inf", "a: !!int x", "[a]: b", "{a: b}: c", "a: 'x", "a: &x [*x]",
        "<<: 1", "a: \"\\q\"", "- a\nb: c",
        "a: @x", "%YAML 9.9\n---\na: 1",
    ]) func refuses(text: String) {
        #expect(throws: YAMLError.self) { try YAML.documents(in: text) }
    }

    @Test func errorsSayWhere() {
        let error = #expect(throws: YAMLError.self) { try YAML.documents(in: "a: 1\nb: *nope\n") }
        #expect(error?.line == 2)
    }

    @Test func namesRepeatedKeys() throws {
        var duplicates: [DuplicateKey] = []
        let documents = try YAML.documents(
            in: Array("spec:\n  items:\n  - a: 1\n    a: 2\n".utf8), duplicates: &duplicates)
        #expect(documents == [["spec": ["items": [["a": 2]]]]])
        #expect(duplicates.map(\.description) == ["spec.items[0].a"])
    }

    @Test func bombsEnd() {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1...20 {
            bomb +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",") + "]\n"
        }
        #expect(throws: YAMLError.self) { try YAML.documents(in: bomb) }
        var deep = "a0: &a0 [x]\n"
        for level in 1...300 { deep += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(throws: YAMLError.self) { try YAML.documents(in: deep) }
        // Few values, each of them long: free to repeat here, ruinous to write out.
        let long = "a: &a \(String(repeating: "x", count: 100_000))\nb: ["
        #expect(throws: YAMLError.self) {
            try YAML.documents(in: long + Array(repeating: "*a", count: 1_000).joined(separator: ",") + "]\n")
        }
        #expect(throws: Never.self) { try YAML.documents(in: long + "*a,*a]\n") }
        #expect(throws: YAMLError.self) { try YAML.documents(in: String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLError.self) { try YAML.documents(in: String(repeating: "- ", count: 100_000)) }
        #expect(throws: YAMLError.self) { try YAML.documents(in: "a: 1", limits: .init(maximumBytes: 3)) }
    }

    @Test(arguments: [UInt64](1...20)) func whatIsWrittenReadsBack(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let value = JSONValue.random(depth: 4, using: &random)
            guard !value.isNull else { continue }
            let text = YAML.text(value)
            #expect(try YAML.documents(in: text) == [value], "seed \(seed): \(text)")
        }
    }

    @Test(arguments: [
        "", "a", "yes", "1", "0x1", "1e3", "null", "~", "-", "- a", "--a", "-a", "a: b", "a:", ":a", "#a", "a #b", " a",
        "a ", "{a}", "[a]", "*a", "&a", "!a", "|", ">",
        "a\nb", "a\nb\n", "a\nb\n\n", "\na", " a\nb", "a \nb", "\ta\nb", "a\n\tb", "a\n\nb\n", "a\r\nb", "2026-01-31",
        "é", "\u{85}", "\u{2028}", "\u{feff}", "\u{7f}",
        "@a", "`a", "%a", "'a'", "\"", "\\", "---", "--- a", "...", "?", "? a", "=", "<<", "a,b", "nginx:1.27",
        "*/5 * * * *", "10%", "0.5", ".5", "1_0",
    ]) func everyTextReadsBack(text: String) throws {
        let value: JSONValue = [
            "k": .string(text), "l": [.string(text), [.string(text)]], .init(text): ["x": .string(text)],
        ]
        let written = YAML.text(value)
        #expect(try YAML.documents(in: written) == [value], "\(written)")
    }

    @Test func writesWhatPeopleExpect() throws {
        let value: JSONValue = [
            "apiVersion": "v1", "data": ["run.sh": "#!/bin/sh\necho a\n", "on": "yes"],
            "items": [["name": "a", "args": ["-x", "b c"]], []],
            "none": .null, "empty": [:],
        ]
        #expect(
            YAML.text(value) == """
                apiVersion: v1
                data:
                  "on": "yes"
                  run.sh: |
                    #!/bin/sh
                    echo a
                empty: {}
                items:
                - args:
                  - -x
                  - b c
                  name: a
                - []
                none: null

                """)
        #expect(try YAML.documents(in: YAML.text(documents: [value, value])) == [value, value])
    }
}
