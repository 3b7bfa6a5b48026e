import JSONTree
import OCI
import Testing

@Suite struct DeviceSpecificationTests {
    private static func file(_ change: (inout JSONObject) -> Void = { _ in }) -> JSONValue {
        var object: JSONObject = [
            "cdiVersion": "0.6.0", "kind": "vendor.com/net", "annotations": ["a": "b"],
            "devices": [
                [
                    "name": "0",
                    "containerEdits": [
                        "env": ["ZERO=a=b"],
                        "deviceNodes": [
                            ["path": "/dev/zero0", "hostPath": "/dev/z", "permissions": "rw", "fileMode": 0o20600]
                        ],
                        "mounts": [["hostPath": "/lib", "containerPath": "/vendor", "options": ["ro"]]],
                        "additionalGids": [44],
                    ],
                ]
            ],
            "containerEdits": [
                "env": ["ALL=1"], "hooks": [["hookName": "createContainer", "path": "/hook", "timeout": 5]],
            ],
        ]
        change(&object)
        return .object(object)
    }

    @Test func readsAFile() throws {
        let specification = try DeviceSpecification(Self.file(), file: "net.json")
        #expect(specification.kind == "vendor.com/net" && Array(specification.devices.keys) == ["0"])
        let edits = try #require(specification.devices["0"])
        #expect(edits.environment == ["ZERO=a=b"] && edits.groups == [44])
        #expect(edits.nodes.map(\.path) == ["/dev/zero0"] && edits.nodes[0].hostPath == "/dev/z")
        #expect(edits.nodes[0].mode == 0o600 && edits.nodes[0].major == nil)
        #expect(edits.mounts.map(\.options) == [["ro"]])
        #expect(specification.common.environment == ["ALL=1"])
        let hook = try #require(specification.common.hooks.first)
        #expect(hook.station == "createContainer" && hook.program.path == "/hook" && hook.program.timeout == 5)
    }

    /// Each with the field that the error names.
    private static let mistakes: [(String, @Sendable (inout JSONObject) -> Void)] = [
        ("cdiVersion", { $0["cdiVersion"] = nil }), ("cdiVersion", { $0["cdiVersion"] = "0.2.0" }),
        ("kind", { $0["kind"] = "vendor.com" }), ("kind", { $0["kind"] = "vendor.com/1st" }),
        ("devices", { $0["devices"] = [] }), ("extra", { $0["extra"] = true }),
        ("devices[0].containerEdits", { $0["devices"] = [["name": "a"]] }),
        ("devices[0].containerEdits", { $0["devices"] = [["name": "a", "containerEdits": [:]]] }),
        ("devices[0].name", { $0["devices"] = [["name": "a/b", "containerEdits": ["env": ["A=1"]]]] }),
        (
            "devices[1].name",
            {
                let one: JSONValue = ["name": "a", "containerEdits": ["env": ["A=1"]]]
                $0["devices"] = [one, one]
            }
        ),
        (
            "containerEdits.hooks[0].path",
            { $0["containerEdits"] = ["hooks": [["hookName": "poststop", "path": "h"]]] }
        ),
        (
            "containerEdits.hooks[0].hookName",
            { $0["containerEdits"] = ["hooks": [["hookName": "poststo", "path": "/h"]]] }
        ),
        ("containerEdits.env[0]", { $0["containerEdits"] = ["env": ["=1"]] }),
        ("containerEdits.env[0]", { $0["containerEdits"] = ["env": ["A"]] }),
        ("containerEdits.environment", { $0["containerEdits"] = ["environment": ["A=1"]] }),
        ("containerEdits.deviceNodes[0].path", { $0["containerEdits"] = ["deviceNodes": [["path": "dev/a"]]] }),
        (
            "containerEdits.deviceNodes[0].permissions",
            { $0["containerEdits"] = ["deviceNodes": [["path": "/dev/a", "permissions": "rx"]]] }
        ),
        ("containerEdits.mounts[0].hostPath", { $0["containerEdits"] = ["mounts": [["containerPath": "/a"]]] }),
        (
            "containerEdits.netDevices[0].name",
            { $0["containerEdits"] = ["netDevices": [["hostInterfaceName": "eth1"]]] }
        ),
        (
            "containerEdits.netDevices[0].hostInterfaceName",
            { $0["containerEdits"] = ["netDevices": [["hostInterfaceName": "a/b", "name": "n"]]] }
        ),
        (
            "containerEdits.netDevices[1].name",
            {
                $0["containerEdits"] = [
                    "netDevices": [
                        ["hostInterfaceName": "a", "name": "n"], ["hostInterfaceName": "b", "name": "n"],
                    ]
                ]
            }
        ),
        ("containerEdits.additionalGids[0]", { $0["containerEdits"] = ["additionalGids": [-1]] }),
    ]

    @Test(arguments: mistakes.indices) func namesTheFieldAtFault(_ index: Int) {
        let (field, change) = Self.mistakes[index]
        let error = #expect(throws: OCIError.self) { try DeviceSpecification(Self.file(change), file: "net.json") }
        guard case .field("net.json", field, _) = error else {
            Issue.record("\(field): \(error?.description ?? "")")
            return
        }
    }

    @Test func namesOfDevices() {
        for good in ["vendor.com/net=0", "v/c=a-b_c.d:e", "a1.b/c-d=x"] {
            #expect(DeviceName.isQualified(good), "\(good)")
        }
        for bad in ["", "v/c", "v=a", "v/c=", "/c=a", "v/c=a,b", "v/c=-a", "v/c=a-", "v/c/d=a", "1v/c=a", "v /c=a"] {
            #expect(!DeviceName.isQualified(bad), "\(bad)")
        }
    }
}
