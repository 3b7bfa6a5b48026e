import APIMachinery
import JSONTree
import TestSupport
import Testing

@Suite struct JSONPatchTests {
    private func apply(_ patch: String, to value: String) throws -> JSONValue {
        try JSONPatch(JSONValue(parsing: patch)).apply(to: JSONValue(parsing: value))
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":{"c":2}}]"#, #"{"a":1,"b":{"c":2}}"#),
        (#"{"a":[1,3]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2,3]}"#),
        (
            #"{"a":[1]}"#, #"[{"op":"add","path":"/a/-","value":2},{"op":"add","path":"/a/2","value":3}]"#,
            #"{"a":[1,2,3]}"#
        ),
        (#"{"a":1}"#, #"[{"op":"add","path":"","value":[]}]"#, "[]"),
        (#"{"a":1}"#, #"[{"op":"add","path":"/a","value":null}]"#, #"{"a":null}"#),
        (#"{"a":1,"b":2}"#, #"[{"op":"remove","path":"/a"}]"#, #"{"b":2}"#),
        (#"{"a":[1,2,3]}"#, #"[{"op":"remove","path":"/a/1"}]"#, #"{"a":[1,3]}"#),
        (#"{"a":{"b":1}}"#, #"[{"op":"replace","path":"/a/b","value":"x"}]"#, #"{"a":{"b":"x"}}"#),
        (#"{"a":{"b":1},"c":{}}"#, #"[{"op":"move","from":"/a/b","path":"/c/d"}]"#, #"{"a":{},"c":{"d":1}}"#),
        (#"{"a":[1,2,3]}"#, #"[{"op":"move","from":"/a/0","path":"/a/2"}]"#, #"{"a":[2,3,1]}"#),
        (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/a/c"}]"#, #"{"a":{"b":1,"c":{"b":1}}}"#),
        (
            #"{"a":1}"#, #"[{"op":"test","path":"/a","value":1.0},{"op":"test","path":"","value":{"a":1e0}}]"#,
            #"{"a":1}"#
        ),
        (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10},{"op":"remove","path":"/~1"}]"#, #"{"~1":10}"#),
        (#"{"":1}"#, #"[{"op":"replace","path":"/","value":2,"extra":true}]"#, #"{"":2}"#),
        (#"{"a":null}"#, #"[{"op":"replace","path":"/a","value":1}]"#, #"{"a":1}"#),
        (#"{"a":1}"#, #"[{"op":"move","from":"/a","path":"/a"}]"#, #"{"a":1}"#),
        ("{}", "[]", "{}"),
    ]) func applies(example: (String, String, String)) throws {
        #expect(try apply(example.1, to: example.0) == JSONValue(parsing: example.2))
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"[{"op":"add","path":"/b/c","value":1}]"#),
        (#"{"a":[]}"#, #"[{"op":"add","path":"/a/1","value":1}]"#),
        (#"{"a":[]}"#, #"[{"op":"add","path":"/a/01","value":1}]"#),
        (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/-"}]"#),
        (#"{"a":1}"#, #"[{"op":"remove","path":"/b"}]"#), (#"{"a":1}"#, #"[{"op":"remove","path":""}]"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"/b","value":1}]"#),
        (#"{"a":{}}"#, #"[{"op":"move","from":"/a","path":"/a/b"}]"#),
        (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":"1"}]"#),
        (#"{"a":1}"#, #"[{"op":"test","path":"/b","value":null}]"#),
        (#"{"a":1}"#, #"[{"op":"add","path":"/a/b","value":1}]"#),
        (#"{"a":[1]}"#, #"[{"op":"test","path":"/a/9999999999","value":1}]"#),
    ]) func doesNotFit(example: (String, String)) {
        let error = #expect(throws: PatchError.self) { try apply(example.1, to: example.0) }
        #expect(error?.kind == .inapplicable)
    }

    @Test(arguments: [
        "{}", "1", "[1]", "[{}]", #"[{"op":"add"}]"#, #"[{"op":"add","path":"/a"}]"#, #"[{"op":"jump","path":"/a"}]"#,
        #"[{"op":"remove","path":"a"}]"#, #"[{"op":"remove","path":"/~2"}]"#, #"[{"op":"remove","path":"/~"}]"#,
        #"[{"op":"move","path":"/a"}]"#, #"[{"op":"remove","path":7}]"#,
    ]) func malformed(patch: String) throws {
        let error = #expect(throws: PatchError.self) { try apply(patch, to: "{}") }
        #expect(error?.kind == .malformed && error?.status.code == 400)
    }

    @Test func growthIsBounded() {
        let doubling = (0..<60).map { JSONValue.object(["op": "copy", "from": "/a", "path": .string("/a/k\($0)")]) }
        #expect(throws: PatchError.self) { try JSONPatch(.array(doubling)).apply(to: ["a": ["b": "0123456789"]]) }
        let deeper = (0..<300).flatMap { _ -> [JSONValue] in
            [
                ["op": "move", "from": "/a", "path": "/b/a"], ["op": "move", "from": "/b", "path": "/a"],
                ["op": "add", "path": "/b", "value": [:]],
            ]
        }
        #expect(throws: PatchError.self) { try JSONPatch(.array(deeper)).apply(to: ["a": [:], "b": [:]]) }
        let many = JSONValue.array(Array(repeating: ["op": "test", "path": "", "value": 1], count: 10_001))
        #expect(throws: PatchError.self) { try JSONPatch(many) }
    }

    @Test(arguments: [UInt64](1...30)) func whatIsAddedIsThereAndRemovalUndoesIt(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let value = JSONValue.object(JSONValue.object(depth: 3, using: &random))
            let new = JSONValue.random(depth: 2, using: &random)
            let path = JSONPointer(tokens: ["fresh~/key"])
            let changed = try JSONPatch([.add(path, new), .test(path, new)]).apply(to: value)
            #expect(try JSONPatch([.remove(path)]).apply(to: changed) == value, "seed \(seed)")
            let pointer = try JSONPointer(path.description)
            #expect(pointer == path)
        }
    }
}

@Suite struct MergePatchTests {
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#), (#"{"e":null}"#, #"{"a":1}"#, #"{"a":1,"e":null}"#),
        ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#), ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        (#"{"a":1}"#, "null", "null"),
    ]) func applies(example: (String, String, String)) throws {
        let result = try MergePatch.apply(JSONValue(parsing: example.1), to: JSONValue(parsing: example.0))
        #expect(try result == JSONValue(parsing: example.2))
    }
}
