import APIMachinery
import JSONTree
import Testing

@Suite struct SchemaTests {
    private func check(_ spec: JSONValue) -> [String] {
        Gadget.schema.check(["metadata": ["name": "a"], "spec": spec]).map(\.description)
    }

    @Test func acceptsWhatFits() {
        #expect(
            check([
                "parts": [
                    ["name": "a", "env": [["name": "x"], ["name": "x"]], "probe": ["http": "/"]], ["name": "b"],
                ],
                "replicas": 3, "tags": ["a", "b"], "limits": ["cpu": 1, "memory": "1Gi", "gpu": .number("0.5")],
                "target": "web", "since": "2026-01-31T12:00:00Z", "free": ["a": [1, .null]], "source": .null,
                "inner": ["parts": [["name": "deep"]]],
            ]) == [])
    }

    @Test(arguments: [
        (
            #"{"parts":[{"name":"a"}],"replicas":"3"}"#,
            #"spec.replicas: Invalid value: "3": must be of type integer (32 bits)"#
        ),
        (
            #"{"parts":[{"name":"a"}],"replicas":4294967296}"#,
            "spec.replicas: Invalid value: 4294967296: must be of type integer (32 bits)"
        ),
        (
            #"{"parts":[{"name":"a"}],"replicas":1.0}"#,
            "spec.replicas: Invalid value: 1.0: must be of type integer (32 bits)"
        ),
        (
            #"{"parts":[{"name":"a"}],"replicas":-1}"#,
            "spec.replicas: Invalid value: -1: must be between 0 and 10, inclusive"
        ),
        (
            #"{"parts":[{"name":"a"}],"replicas":11}"#,
            "spec.replicas: Invalid value: 11: must be between 0 and 10, inclusive"
        ),
        ("{}", "spec.parts: Required value"), (#"{"parts":null}"#, "spec.parts: Required value"),
        (#"{"parts":[]}"#, "spec.parts: Required value"),
        (#"{"parts":{}}"#, "spec.parts: Invalid value: object: must be of type array"),
        (#"{"parts":[{}]}"#, "spec.parts[0].name: Required value"),
        (#"{"parts":[{"name":""}]}"#, "spec.parts[0].name: Required value"),
        (#"{"parts":[null]}"#, "spec.parts[0]: Invalid value: null: must be of type object"),
        (#"{"parts":[{"name":"a"},{"name":"a"}]}"#, #"spec.parts[1].name: Duplicate value: "a""#),
        (
            #"{"parts":[{"name":"a","policy":"Sometimes"}]}"#,
            #"spec.parts[0].policy: Unsupported value: "Sometimes": supported values: "Always", "Never""#
        ),
        (#"{"parts":[{"name":"a"}],"tags":["x","y","x"]}"#, #"spec.tags[2]: Duplicate value: "x""#),
        (
            #"{"parts":[{"name":"a"}],"tags":["1","2","3","4","5","6"]}"#,
            "spec.tags: Too many: 6: must have at most 5 items"
        ),
        (
            #"{"parts":[{"name":"a"}],"ports":[{"number":80,"protocol":"TCP"},{"number":80,"protocol":"UDP"},{"protocol":"TCP","number":80}]}"#,
            #"spec.ports[2]: Duplicate value: {"number":80,"protocol":"TCP"}"#
        ),
        (
            #"{"parts":[{"name":"a","probe":{"exec":["a"],"http":"/"}}]}"#,
            "spec.parts[0].probe.http: Forbidden: may not specify more than 1 handler"
        ),
        (
            #"{"parts":[{"name":"a"}],"limits":{"cpu":"x"}}"#,
            #"spec.limits[cpu]: Invalid value: "x": must be a quantity, such as 500m, 2 or 1Gi"#
        ),
        (
            #"{"parts":[{"name":"a"}],"since":"yesterday"}"#,
            #"spec.since: Invalid value: "yesterday": must be an RFC 3339 time, such as 2026-01-31T12:00:00Z"#
        ),
        (
            #"{"parts":[{"name":"a"}],"target":true}"#,
            "spec.target: Invalid value: true: must be of type integer (32 bits) or string"
        ),
        (#"{"parts":[{"name":"a"}],"inner":{}}"#, "spec.inner.parts: Required value"),
    ]) func names(pair: (String, String)) throws {
        #expect(check(try JSONValue(parsing: pair.0)) == [pair.1])
    }

    @Test func keysOfMapsAreChecked() {
        let value: JSONValue = ["spec": ["parts": [["name": "a"]]], "data": ["a/b": "YQ==", "ok": "YQ="]]
        let errors = Gadget.schema.check(value)
        #expect(errors.map(\.path) == ["data[ok]"])
        #expect(
            Gadget.schema.check(["spec": ["parts": [["name": "a"]]], "data": ["a/b": "YQ=="]]).map(\.path) == [
                "data[a/b]"
            ])
    }

    @Test func faultsAreBounded() {
        let parts = JSONValue.array(Array(repeating: ["name": 1], count: 10_000))
        #expect(check(["parts": parts]).count == 64)
    }

    @Test func wrongTypesNeverEnter() throws {
        let bad: JSONValue = ["metadata": ["name": "a"], "spec": ["parts": [["name": "a"]], "replicas": "3"]]
        let status = #expect(throws: Status.self) { try Gadget(checking: bad) }
        #expect(status?.code == 400)
        let invalid = #expect(throws: Status.self) { try Gadget(checking: ["metadata": ["name": "a"], "spec": [:]]) }
        #expect(invalid?.code == 422)
        #expect(invalid?.message == "Gadget.test.io \"a\" is invalid: spec.parts: Required value")
        #expect(throws: Status.self) { try Gadget(checking: ["kind": "Pod", "spec": ["parts": [["name": "a"]]]]) }
        #expect(throws: Status.self) { try Gadget(checking: []) }
        let good = try Gadget(checking: [
            "kind": "Gadget", "apiVersion": "test.io/v1", "spec": ["parts": [["name": "a"]]],
        ])
        #expect(good.spec.replicas == 1 && good.spec.parts[0].name == "a")
    }

    @Test func unknownFieldsAreFoundAndPruned() throws {
        var value: JSONValue = [
            "metadata": ["name": "a", "labls": [:]], "extra": 1,
            "spec": [
                "parts": [["name": "a", "nmae": "b"]], "free": ["kept": .null], "tags": .null, "limits": ["a": .null],
            ],
        ]
        #expect(Gadget.schema.unknownFields(in: value) == ["extra", "metadata.labls", "spec.parts[0].nmae"])
        Gadget.schema.prune(&value)
        #expect(
            value == [
                "metadata": ["name": "a"], "spec": ["parts": [["name": "a"]], "free": ["kept": .null]],
            ])
    }

    @Test func emptyListsAndMapsAreAbsent() throws {
        var value: JSONValue = [
            "metadata": ["labels": [:], "annotations": "", "finalizers": []], "data": [:],
            "spec": [
                "parts": [], "tags": [], "limits": [], "free": [:], "source": [:], "selector": ["matchLabels": [:]],
            ],
        ]
        Gadget.schema.prune(&value)
        // Not what is required, free, an object of declared fields, or of a wrong type.
        #expect(
            value == [
                "metadata": ["annotations": ""],
                "spec": ["parts": [], "limits": [], "free": [:], "source": [:], "selector": [:]],
            ])
    }

    @Test func defaultsFillWhereTheParentIs() {
        var value: JSONValue = [
            "spec": [
                "parts": [["name": "a", "probe": [:]], ["name": "b", "policy": "Never"]], "replicas": .null,
                "ports": [["number": 1]], "limits": ["cpu": "0.5", "mem": "1024Mi", "n": 2], "inner": [:],
            ]
        ]
        Gadget.schema.applyDefaults(&value)
        let expected: JSONValue = [
            "spec": [
                "parts": [
                    ["name": "a", "policy": "Always", "probe": ["period": 10]], ["name": "b", "policy": "Never"],
                ],
                "replicas": 1, "ports": [["number": 1, "protocol": "TCP"]],
                "limits": ["cpu": "500m", "mem": "1Gi", "n": "2"], "inner": ["replicas": 1],
            ]
        ]
        #expect(value == expected)
        Gadget.schema.applyDefaults(&value)
        #expect(value == expected)
    }

    @Test func defaultsLeaveWrongTypesForTheCheck() {
        var value: JSONValue = ["spec": ["parts": 7, "replicas": "x", "limits": ["cpu": true]]]
        Gadget.schema.applyDefaults(&value)
        #expect(value == ["spec": ["parts": 7, "replicas": "x", "limits": ["cpu": true]]])
    }

    @Test func aSchemaBuiltAtRunTimeWorksAlike() {
        let schema = Schema.object(
            ObjectSchema(fields: [
                FieldSchema("size", "", .integer64, rules: [.required, .minimum(2)]),
                FieldSchema("names", "", .array(of: Schema(.string, rules: [.format(.dnsLabel)]))),
                FieldSchema("note", "", Schema(.string, isNullable: true), defaultValue: "none"),
            ]))
        #expect(schema.check(["size": 1, "names": ["a", "B"]]).map(\.path) == ["names[1]", "size"])
        var value: JSONValue = ["size": 2, "note": .null]
        schema.applyDefaults(&value)
        schema.prune(&value)
        #expect(value == ["size": 2, "note": .null])
        let open = Schema.object(ObjectSchema(keepsUnknownFields: true, fields: []))
        value = ["a": 1]
        open.prune(&value)
        #expect(value == ["a": 1] && open.unknownFields(in: value).isEmpty)
    }
}

@Suite struct RuleFormatTests {
    @Test(
        arguments: [
            (
                Rule.Format.dnsLabel, ["a", "a-1", "1a", String(repeating: "a", count: 63)],
                ["", "-a", "a-", "A", "a.b", "a_b", String(repeating: "a", count: 64)]
            ),
            (.dnsLabel1035, ["a", "a1"], ["1a", "", "a-"]),
            (
                .dnsSubdomain, ["a", "a.b", "1.2", "a-b.c"],
                ["", "a..b", ".a", "a.", "A.b", "-a.b", String(repeating: "a.", count: 126) + "aa"]
            ),
            (.qualifiedName, ["a", "A_b.c", "k8s.io/Name"], ["", "a/", "/a", "a/b/c", "K8s.io/a", "_a", "a b"]),
            (.labelValue, ["", "a", "A.b_c"], ["-a", "a b", "a/b"]),
            (.configKey, ["a", ".a", "a.b_C-1"], ["", ".", "..", "..a", "a/b"]),
            (.environmentName, ["A", "a b", "1"], ["", "a=b", "é"]),
            (.portName, ["http", "a-1"], ["", "1", "a--b", "abcdefghijklmnop", "-a"]),
            (.absolutePath, ["/", "/a"], ["", "a"]),
            (
                .ip, ["1.2.3.4", "::", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
                [
                    "", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", ":::", "1:2", "12345::", "1:2:3:4:5:6:7:8:9",
                    "fe80::1%eth0", "1:2:3:4:5:6:7::8:9",
                ]
            ),
            (
                .cidr, ["10.0.0.0/8", "::/0", "fd00::/64"],
                ["10.0.0.0", "10.0.0.0/33", "::/129", "/8", "10.0.0.0/08", "10.0.0.0/-1"]
            ),
        ] as [(Rule.Format, [String], [String])]) func formats(example: (Rule.Format, [String], [String]))
    {
        for text in example.1 { #expect(example.0.mismatch(text) == nil, "\(text)") }
        for text in example.2 { #expect(example.0.mismatch(text) != nil, "\(text)") }
    }
}
