import APIMachinery
import JSONTree
import TestSupport
import Testing

@Suite struct StrategicMergePatchTests {
    private func apply(_ patch: String, to value: String) throws -> JSONValue {
        try StrategicMergePatch.apply(
            JSONValue(parsing: patch), to: JSONValue(parsing: value), schema: GadgetSpec.schema)
    }

    @Test(arguments: [
        // Lists with a merge key.
        (
            #"{"parts":[{"name":"a","policy":"Never"},{"name":"b"}]}"#,
            #"{"parts":[{"name":"b","policy":"Always"},{"name":"c"}]}"#,
            #"{"parts":[{"name":"a","policy":"Never"},{"name":"b","policy":"Always"},{"name":"c"}]}"#
        ),
        (
            #"{"parts":[{"name":"a"},{"name":"b"}]}"#, #"{"parts":[{"$patch":"delete","name":"a"}]}"#,
            #"{"parts":[{"name":"b"}]}"#
        ),
        (
            #"{"parts":[{"name":"a"},{"name":"b"}]}"#, #"{"parts":[{"$patch":"replace"},{"name":"c"}]}"#,
            #"{"parts":[{"name":"c"}]}"#
        ),
        (
            #"{"parts":[{"name":"a","env":[{"name":"x","value":"1"}]}]}"#,
            #"{"parts":[{"name":"a","env":[{"name":"y"},{"name":"x","value":"2"}]}]}"#,
            #"{"parts":[{"name":"a","env":[{"name":"x","value":"2"},{"name":"y"}]}]}"#
        ),
        (
            "{}", #"{"parts":[{"name":"a","$retainKeys":["name"],"policy":null},{"$patch":"delete","name":"b"}]}"#,
            #"{"parts":[{"name":"a"}]}"#
        ),
        // The merge key may differ from the keys of the list map.
        (
            #"{"ports":[{"number":1,"protocol":"TCP"}]}"#, #"{"ports":[{"number":1,"protocol":"UDP"}]}"#,
            #"{"ports":[{"number":1,"protocol":"UDP"}]}"#
        ),
        // Lists of scalars.
        (#"{"tags":["a","b"]}"#, #"{"tags":["b","c"]}"#, #"{"tags":["a","b","c"]}"#),
        (
            #"{"tags":["a","b","c"]}"#, #"{"$deleteFromPrimitiveList/tags":["b","x"],"tags":["d"]}"#,
            #"{"tags":["a","c","d"]}"#
        ),
        (#"{"steps":["a","b"]}"#, #"{"steps":["c"]}"#, #"{"steps":["c"]}"#),
        // Objects.
        (#"{"source":{"git":"a"}}"#, #"{"source":{"http":"b"}}"#, #"{"source":{"git":"a","http":"b"}}"#),
        (#"{"source":{"git":"a"}}"#, #"{"source":{"$retainKeys":["http"],"http":"b"}}"#, #"{"source":{"http":"b"}}"#),
        (#"{"source":{"git":"a"}}"#, #"{"source":{"$patch":"replace","http":"b"}}"#, #"{"source":{"http":"b"}}"#),
        (#"{"source":{"git":"a"}}"#, #"{"source":{"$patch":"delete"}}"#, #"{"source":{}}"#),
        (#"{"source":{"git":"a"},"replicas":1}"#, #"{"source":null,"replicas":2,"fixed":null}"#, #"{"replicas":2}"#),
        (#"{"limits":{"cpu":"1"}}"#, #"{"limits":{"mem":"1","cpu":null}}"#, #"{"limits":{"mem":"1"}}"#),
        ("{}", #"{"source":{"git":"a","http":null}}"#, #"{"source":{"git":"a"}}"#),
        // What the schema does not know merges as a plain merge patch does.
        (#"{"free":{"a":[1],"b":2}}"#, #"{"free":{"a":[2]}}"#, #"{"free":{"a":[2],"b":2}}"#),
        (#"{"other":{"a":1}}"#, #"{"other":{"b":{"c":1}}}"#, #"{"other":{"a":1,"b":{"c":1}}}"#),
        // Another type replaces.
        (#"{"target":1}"#, #"{"target":"web"}"#, #"{"target":"web"}"#),
        // Order.
        (
            #"{"parts":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
            #"{"$setElementOrder/parts":[{"name":"c"},{"name":"a"},{"name":"b"}]}"#,
            #"{"parts":[{"name":"c"},{"name":"a"},{"name":"b"}]}"#
        ),
        (
            #"{"parts":[{"name":"a"},{"name":"x"},{"name":"b"}]}"#,
            #"{"$setElementOrder/parts":[{"name":"a"},{"name":"n"},{"name":"b"}],"parts":[{"name":"n"}]}"#,
            #"{"parts":[{"name":"a"},{"name":"n"},{"name":"x"},{"name":"b"}]}"#
        ),
        (
            #"{"tags":["a","b","c"]}"#,
            #"{"$setElementOrder/tags":["d","c","a"],"$deleteFromPrimitiveList/tags":["b"],"tags":["d"]}"#,
            #"{"tags":["d","c","a"]}"#
        ),
    ]) func applies(example: (String, String, String)) throws {
        #expect(try apply(example.1, to: example.0) == JSONValue(parsing: example.2))
    }

    @Test(arguments: [
        "[]", #"{"$patch":"jump"}"#, #"{"parts":[{"policy":"Never"}]}"#, #"{"parts":[1]}"#,
        #"{"parts":[{"$patch":"delete"}]}"#,
        #"{"source":{"$retainKeys":"x"}}"#, #"{"source":{"$retainKeys":["git"],"http":"a"}}"#,
        #"{"$setElementOrder/tags":1}"#,
        #"{"$deleteFromPrimitiveList/tags":"a"}"#, #"{"parts":[{"$patch":1}]}"#,
    ]) func refuses(patch: String) {
        let error = #expect(throws: PatchError.self) {
            try apply(patch, to: #"{"parts":[{"name":"a"}],"source":{},"tags":["a"]}"#)
        }
        #expect(error?.kind == .malformed)
    }

    @Test(arguments: [UInt64](1...40)) func plainPatchesAreIdempotentAndWin(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let value = spec(using: &random)
            let patch = spec(using: &random)
            let once = try StrategicMergePatch.apply(patch, to: value, schema: GadgetSpec.schema)
            let twice = try StrategicMergePatch.apply(patch, to: once, schema: GadgetSpec.schema)
            #expect(once == twice, "seed \(seed)")
            #expect(try StrategicMergePatch.apply([:], to: value, schema: GadgetSpec.schema) == value)
            #expect(try StrategicMergePatch.apply(value, to: [:], schema: GadgetSpec.schema) == value, "seed \(seed)")
            let names = Set((once["parts"]?.array ?? []).map { $0["name"] ?? .null })
            #expect(names.count == once["parts"]?.array?.count ?? 0, "seed \(seed)")
        }
    }

    private func spec(using random: inout SeededRandom) -> JSONValue {
        var spec = JSONObject()
        spec["replicas"] = .integer(.random(in: 0...3, using: &random))
        spec["tags"] = .array(Set((0..<3).map { _ in random.pick(["a", "b", "c"]) }).sorted().map(JSONValue.string))
        spec["steps"] = .array((0..<2).map { _ in .string(random.pick(["a", "b"])) })
        let names = Set((0..<3).map { _ in random.pick(["p", "q", "r", "s"]) }).sorted()
        spec["parts"] = .array(
            names.map { name in
                var part: JSONObject = ["name": .string(name)]
                if Bool.random(using: &random) { part["policy"] = .string(random.pick(["Always", "Never"])) }
                if Bool.random(using: &random) {
                    part["probe"] = ["period": .integer(.random(in: 1...3, using: &random))]
                }
                return .object(part)
            })
        if Bool.random(using: &random) { spec["source"] = ["git": .string(random.pick(["x", "y"]))] }
        return .object(spec)
    }
}
