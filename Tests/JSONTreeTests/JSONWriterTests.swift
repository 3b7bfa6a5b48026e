import JSONTree
import Testing

@Suite struct JSONWriterTests {
    @Test func writesCompactText() {
        let value: JSONValue = ["b": [1, -20, true, .null], "a": "x\"\\\n\u{1}é", "c": [:], "d": []]
        #expect(value.text == #"{"a":"x\"\\\n\u0001é","b":[1,-20,true,null],"c":{},"d":[]}"#)
    }

    @Test func writesPrettyText() {
        let value: JSONValue = ["a": [1, ["b": 2]], "c": [:]]
        #expect(
            String(decoding: value.encoded(isPretty: true), as: UTF8.self) == """
                {
                  "a": [
                    1,
                    {
                      "b": 2
                    }
                  ],
                  "c": {}
                }
                """)
    }

    @Test func writesTheEndsOfTheIntegers() {
        #expect(
            JSONValue.array([.integer(.min), .integer(.max), 0, 9, 10, -1]).text
                == "[-9223372036854775808,9223372036854775807,0,9,10,-1]")
    }

    @Test func joinsRawAndTree() {
        var writer = JSONWriter()
        writer.write(raw: Array("[".utf8))
        writer.write(JSONValue.string("a"))
        writer.write(raw: Array("]".utf8))
        #expect(writer.bytes == Array(#"["a"]"#.utf8))
        #expect(writer.count == 5)
    }
}

@Suite struct JSONObjectTests {
    @Test func setsReadsAndRemoves() {
        var object = JSONObject()
        for key in ["c", "a", "b", "a"] { object[key] = .string(key + "\(object.count)") }
        #expect(object.keys.elementsEqual(["a", "b", "c"]))
        #expect(object["a"] == "a3")
        object["b"] = nil
        object["z"] = nil
        #expect(object == ["a": "a3", "c": "c0"])
    }

    @Test func lastOfEqualKeysWins() {
        #expect(JSONObject([("a", 1), ("b", 2), ("a", 3)]) == ["a": 3, "b": 2])
    }
}
