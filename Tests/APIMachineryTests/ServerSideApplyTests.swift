import APIMachinery
import JSONTree
import TestSupport
import Testing

@Suite struct ServerSideApplyTests {
    private let now = Timestamp(seconds: 1_000)

    private func asker(_ name: String, _ operation: ManagedFields.Operation = .apply, at seconds: Int64 = 1_000)
        -> ServerSideApply
    {
        ServerSideApply(
            Gadget.schema, .init(name, operation, apiVersion: "test.io/v1"), now: Timestamp(seconds: seconds))
    }

    private func object(_ text: String) throws -> JSONObject {
        try #require(try JSONValue(parsing: text).object)
    }

    private func spec(_ text: String) throws -> JSONObject {
        try object(#"{"apiVersion":"test.io/v1","kind":"Gadget","metadata":{"name":"g"},"spec":\#(text)}"#)
    }

    private func owned(_ object: JSONObject, by name: String) -> JSONValue? {
        object["metadata"]?["managedFields"]?.array?.first { $0["manager"] == .string(name) }?["fieldsV1"]
    }

    @Test func creatingRecordsWhatWasApplied() throws {
        let config = try spec(
            #"{"replicas":2,"parts":[{"name":"a","env":[{"name":"x","value":"1"}]}],"tags":["t"],"steps":["s"],"limits":{"cpu":"1"},"ports":[{"number":80}]}"#
        )
        let result = try asker("me").apply(config, to: nil, force: false)
        #expect(result["spec"] == config["spec"])
        #expect(
            try owned(result, by: "me")
                == JSONValue(
                    parsing: #"""
                        {"f:spec":{"f:limits":{"f:cpu":{}},
                        "f:parts":{"k:{\"name\":\"a\"}":{".":{},"f:env":{"k:{\"name\":\"x\"}":{".":{},"f:name":{},"f:value":{}}},"f:name":{}}},
                        "f:ports":{"k:{\"number\":80,\"protocol\":\"TCP\"}":{".":{},"f:number":{}}},
                        "f:replicas":{},"f:steps":{},"f:tags":{"v:\"t\"":{}}}}
                        """#))
        #expect(result["metadata"]?["managedFields"]?.array?.first?["operation"] == "Apply")
    }

    @Test func whatIsNoLongerAppliedGoes() throws {
        var live = try asker("me").apply(
            spec(
                #"{"replicas":2,"parts":[{"name":"a","probe":{"http":"/"}},{"name":"b"}],"tags":["t","u"],"limits":{"cpu":"1"}}"#
            ), to: nil, force: false)
        live = try asker("other").apply(
            spec(#"{"parts":[{"name":"b","policy":"Never"}],"tags":["u"]}"#), to: live, force: false)
        let result = try asker("me").apply(spec(#"{"parts":[{"name":"a"}]}"#), to: live, force: false)
        #expect(
            try result["spec"]
                == JSONValue(parsing: #"{"parts":[{"name":"a"},{"name":"b","policy":"Never"}],"tags":["u"]}"#))
    }

    @Test func othersFieldsConflict() throws {
        let live = try asker("me").apply(
            spec(#"{"replicas":2,"parts":[{"name":"a","policy":"Never"}]}"#), to: nil, force: false)
        let status = #expect(throws: Status.self) {
            try asker("other").apply(
                spec(#"{"replicas":3,"parts":[{"name":"a","policy":"Always"}]}"#), to: live, force: false)
        }
        #expect(status?.code == 409 && status?.isReason(.conflict) == true)
        #expect(
            status?.message == """
                Apply failed with 2 conflicts: conflicts with "me":
                - .spec.parts[name="a"].policy
                - .spec.replicas
                """)
        #expect(status?.details?.causes.map(\.field) == [#".spec.parts[name="a"].policy"#, ".spec.replicas"])
        let forced = try asker("other").apply(spec(#"{"replicas":3}"#), to: live, force: true)
        #expect(forced["spec"]?["replicas"] == 3)
        #expect(owned(forced, by: "me")?["f:spec"]?["f:replicas"] == nil)
        #expect(owned(forced, by: "other")?["f:spec"]?["f:replicas"] == [:])
    }

    @Test func anEmptyListIsAppliedAsWell() throws {
        let live = try asker("me").apply(
            spec(#"{"steps":["s"],"limits":{"cpu":"1"},"selector":{"matchLabels":{"a":"b"}}}"#), to: nil, force: false)
        let none = try spec(#"{"steps":[],"parts":[{"name":null}],"source":{"git":""},"more":1}"#)
        let status = #expect(throws: Status.self) { try asker("other").apply(none, to: live, force: false) }
        #expect(status?.details?.causes.map(\.field) == [".spec.steps"])
        let forced = try asker("other").apply(spec(#"{"steps":[]}"#), to: live, force: true)
        #expect(forced["spec"]?["steps"] == [])
        #expect(owned(forced, by: "me")?["f:spec"]?["f:steps"] == nil)
        #expect(owned(forced, by: "other")?["f:spec"]?["f:steps"] == [:])
        // A map is merged; and in what is compared as a whole, empty is absent.
        let same = try asker("other").apply(
            spec(#"{"limits":{},"selector":{"matchLabels":{"a":"b"},"matchExpressions":[]}}"#), to: live, force: false)
        #expect(same["spec"] == live["spec"])
    }

    /// Their items have owners of their own: there are none, and none are taken away.
    @Test func anEmptyListOfItemsIsOwnedByNobody() throws {
        let none = try spec(#"{"replicas":1,"ports":[],"tags":[],"parts":[{"name":"a","env":[]}]}"#)
        var live = try asker("me").apply(none, to: nil, force: false)
        #expect(
            try owned(live, by: "me")
                == JSONValue(
                    parsing: #"{"f:spec":{"f:parts":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}}},"f:replicas":{}}}"#))
        live["spec"] = ["replicas": 1, "parts": [["name": "a"]]]
        live = try asker("other").apply(none, to: live, force: false)
        live = try asker("third").apply(
            spec(#"{"tags":["t"],"parts":[{"name":"a","env":[{"name":"x"}]}]}"#), to: live, force: false)
        live = try asker("me").apply(none, to: live, force: false)
        #expect(live["spec"]?["tags"] == ["t"] && live["spec"]?["parts"] == [["name": "a", "env": [["name": "x"]]]])
        // What nobody else has still goes.
        live = try asker("third").apply(spec(#"{"tags":[]}"#), to: live, force: false)
        #expect(live["spec"]?["tags"]?.array?.isEmpty != false && owned(live, by: "third") == nil)
    }

    @Test func pathsReadAsKubernetesWritesThem() {
        let item = FieldTree(children: [#"k:{"name":"a","port":1}"#: .leaf])
        let tree = FieldTree(children: ["f:tags": FieldTree(children: [#"v:"a""#: .leaf]), "f:parts": item])
        #expect(tree.paths == [#".parts[name="a",port=1]"#, #".tags[="a"]"#])
    }

    @Test func theSameValueIsSharedAndSurvivesOneOwner() throws {
        var live = try asker("me").apply(spec(#"{"replicas":2,"steps":["a"]}"#), to: nil, force: false)
        live = try asker("other").apply(spec(#"{"replicas":2,"steps":["a"]}"#), to: live, force: false)
        live = try asker("me").apply(spec("{}"), to: live, force: false)
        #expect(live["spec"]?["replicas"] == 2 && live["spec"]?["steps"] == ["a"])
        live = try asker("other").apply(spec("{}"), to: live, force: false)
        #expect(live["spec"] == nil || live["spec"] == [:])
    }

    @Test func updatesTakeWhatTheyChange() throws {
        let live = try asker("me").apply(spec(#"{"replicas":2,"parts":[{"name":"a"}]}"#), to: nil, force: false)
        var changed = live
        changed["spec"] = ["replicas": 5, "parts": [["name": "a", "policy": "Never"]], "limits": ["cpu": "1"]]
        let tracked = asker("kubectl", .update, at: 2_000).track(changed, from: live)
        #expect(owned(tracked, by: "me")?["f:spec"]?["f:replicas"] == nil)
        #expect(
            try owned(tracked, by: "kubectl")
                == JSONValue(
                    parsing:
                        #"{"f:spec":{"f:limits":{".":{},"f:cpu":{}},"f:parts":{"k:{\"name\":\"a\"}":{"f:policy":{}}},"f:replicas":{}}}"#
                ))
        #expect(asker("kubectl", .update, at: 3_000).track(tracked, from: tracked) == tracked)
        let status = #expect(throws: Status.self) {
            try asker("me").apply(spec(#"{"replicas":2}"#), to: tracked, force: false)
        }
        #expect(
            status?.message
                == #"Apply failed with 1 conflict: conflict with "kubectl" using test.io/v1 at 1970-01-01T00:33:20Z: .spec.replicas"#
        )
    }

    @Test func removalsByUpdatesEndOwnership() throws {
        let live = try asker("me").apply(
            spec(#"{"replicas":2,"parts":[{"name":"a"},{"name":"b"}]}"#), to: nil, force: false)
        var changed = live
        changed["spec"] = ["parts": [["name": "b"]]]
        let tracked = asker("kubectl", .update).track(changed, from: live)
        #expect(owned(tracked, by: "kubectl") == nil)
        #expect(owned(tracked, by: "me")?["f:spec"]?["f:parts"]?.object?.count == 1)
    }

    @Test func anUntrackedObjectHasAnOwner() throws {
        let live = try spec(#"{"replicas":2}"#)
        #expect(throws: Status.self) { try asker("me").apply(spec(#"{"replicas":3}"#), to: live, force: false) }
        let result = try asker("me").apply(spec(#"{"replicas":2}"#), to: live, force: false)
        #expect(result["metadata"]?["managedFields"]?.array?.count == 2)
    }

    @Test func badConfigurationsAreRefused() throws {
        for text in [#"{"replicas":"2"}"#, #"{"parts":[{"name":"a"},{"name":"a"}]}"#] {
            let status = #expect(throws: Status.self) { try asker("me").apply(spec(text), to: nil, force: false) }
            #expect(status?.code == 400)
        }
        let entries = try object(#"{"metadata":{"managedFields":[{}]}}"#)
        #expect(throws: Status.self) { try asker("me").apply(entries, to: nil, force: false) }
    }

    @Test func clientsCanResetManagedFields() throws {
        let live = try asker("me").apply(spec(#"{"replicas":2}"#), to: nil, force: false)
        var reset = live
        reset["metadata"] = ["name": "g", "managedFields": [[:]]]
        let tracked = asker("kubectl", .update).track(reset, from: live)
        #expect(tracked["metadata"] == ["name": "g"])
        var unsent = live
        unsent["metadata"] = ["name": "g"]
        #expect(asker("kubectl", .update).track(unsent, from: live) == live)
    }

    @Test func updatersAreBounded() throws {
        var live = try spec(#"{"limits":{}}"#)
        for number in 0..<30 {
            var changed = live
            var limits = try #require(live["spec"]?["limits"]?.object)
            limits["l\(number)"] = "1"
            changed["spec"] = ["limits": .object(limits)]
            live = asker("m\(number)", .update, at: Int64(number)).track(changed, from: live)
        }
        let managers = live["metadata"]?["managedFields"]?.array?.compactMap { $0["manager"]?.string } ?? []
        #expect(managers.count == 10 && managers.contains("ancient-changes") && managers.contains("m29"))
        #expect(owned(live, by: "ancient-changes")?["f:spec"]?["f:limits"]?["f:l3"] == [:])
    }

    @Test(arguments: [UInt64](1...15)) func lawsHold(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let mine = randomConfig(using: &random)
            let once = try asker("me").apply(mine, to: nil, force: false)
            #expect(
                try asker("me", at: 9_000).apply(mine, to: once, force: false) == once,
                "applying again changes nothing: seed \(seed)")
            let theirs = randomConfig(using: &random)
            let both = try asker("other").apply(theirs, to: once, force: true)
            #expect(try asker("other", at: 9_000).apply(theirs, to: both, force: false) == both, "seed \(seed)")
            // Whoever forces has every field as applied: applying it once more by hand changes nothing.
            let again = asker("x", .update, at: 9_000).track(both, from: both)
            #expect(again == both, "seed \(seed)")
            // When all let go, only what identifies the object is left.
            let bare = try spec("{}")
            var end = try asker("me").apply(bare, to: both, force: false)
            end = try asker("other").apply(bare, to: end, force: false)
            #expect(end["spec"] == nil || end["spec"] == [:], "seed \(seed): \(JSONValue.object(end).text)")
            // What is stored reads back.
            let entries = try #require([ManagedFieldsEntry](json: both["metadata"]?["managedFields"] ?? []))
            #expect(ManagedFields(decoding: entries)?.encoded == entries)
        }
    }

    private func randomConfig(using random: inout SeededRandom) -> JSONObject {
        var spec = JSONObject()
        if Bool.random(using: &random) { spec["replicas"] = .integer(.random(in: 0...3, using: &random)) }
        if Bool.random(using: &random) { spec["tags"] = .array(names(using: &random).map(JSONValue.string)) }
        if Bool.random(using: &random) { spec["steps"] = .array([.string(random.pick(["a", "b"]))]) }
        if Bool.random(using: &random) {
            spec["limits"] = .object(JSONObject(names(using: &random).map { ($0, .string(random.pick(["1", "2"]))) }))
        }
        if Bool.random(using: &random) {
            spec["parts"] = .array(
                names(using: &random).map { name in
                    var part: JSONObject = ["name": .string(name)]
                    if Bool.random(using: &random) { part["policy"] = .string(random.pick(["Always", "Never"])) }
                    if Bool.random(using: &random) {
                        part["probe"] = ["period": .integer(.random(in: 1...3, using: &random))]
                    }
                    return .object(part)
                })
        }
        return ["apiVersion": "test.io/v1", "kind": "Gadget", "metadata": ["name": "g"], "spec": .object(spec)]
    }

    private func names(using random: inout SeededRandom) -> [String] {
        Array(Set((0..<3).map { _ in random.pick(["p", "q", "r", "s"]) })).sorted().shuffled(using: &random)
    }
}

@Suite struct FieldTreeTests {
    @Test(arguments: [UInt64](1...30)) func setLawsHold(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let left = tree(depth: 3, using: &random)
            let right = tree(depth: 3, using: &random)
            #expect(left.union(right) == right.union(left))
            #expect(left.intersection(right) == right.intersection(left))
            #expect(left.subtracting(right).union(left.intersection(right)) == left, "seed \(seed)")
            #expect(left.subtracting(right).intersection(right).isEmpty)
            #expect(left.subtracting(left).isEmpty && left.union(left) == left)
            #expect(FieldTree(json: left.json) == left, "seed \(seed)")
        }
    }

    @Test(arguments: [#"{"f:a":1}"#, #"{"a":{}}"#, #"{"f:a":{"f:b":[]}}"#]) func refuses(text: String) throws {
        #expect(try FieldTree(json: #require(JSONValue(parsing: text).object)) == nil)
    }

    /// Without a node that is neither a member nor has any below it.
    private func tree(depth: Int, using random: inout SeededRandom) -> FieldTree {
        var result = FieldTree()
        guard depth > 0 else { return result }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            var child = tree(depth: depth - 1, using: &random)
            child.isMember = child.children.isEmpty || Bool.random(using: &random)
            result.children[random.pick(["f:a", "f:b", #"k:{"name":"x"}"#])] = child
        }
        return result
    }
}
