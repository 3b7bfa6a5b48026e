import CRI
import Linux
import Testing

@testable import ContainerRuntime

/// From files and names to what a container gets.
@Suite struct DeviceEditsTests {
    private func identity() throws(CRIError) -> ProcessIdentity {
        var security = ContainerSecurity()
        security.user = 1_000
        security.group = 1_001
        return try ProcessIdentity(security, imageUser: "", database: UserDatabase(passwd: [], group: []))
    }

    private func file(_ device: String, _ edits: String, common: String = "{}") -> [UInt8] {
        Array(
            #"""
            {"cdiVersion": "0.6.0", "kind": "vendor.com/net",
            	"devices": [{"name": "\#(device)", "containerEdits": \#(edits)}], "containerEdits": \#(common)}
            """#.utf8)
    }

    private func edits(_ edits: String) throws(CRIError) -> DeviceEdits {
        let files = DeviceFiles(directories: [[("net.json", file("a", edits))]])
        return try DeviceEdits(
            files.edits(for: ["vendor.com/net=a"], object: "container c"), identity: identity(),
            look: { path throws(KernelError) in
                guard path == "/dev/there" else { throw KernelError("stat", path, 2) }
                return HostDevice(
                    path: path, isBlock: false, major: 10, minor: 7, mode: 0o600, userID: 5, groupID: 6)
            })
    }

    @Test func aContainerGetsWhatTheFileSays() throws {
        let found = try edits(
            #"""
            {"env": ["A=1=2"], "additionalGids": [44],
             "deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/there", "permissions": "r"},
                             {"path": "/dev/y", "type": "b", "major": 8, "minor": 1, "fileMode": 384, "uid": 3, "gid": 4}],
             "mounts": [{"hostPath": "/h", "containerPath": "/c", "options": ["ro", "nosuid", "nodev", "rbind"]}]}
            """#)
        #expect(found.environment == [EnvironmentVariable("A", "1=2")] && found.groups == [44])
        let there = HostDevice(
            path: "/dev/x", isBlock: false, major: 10, minor: 7, mode: 0o666, userID: 1_000, groupID: 1_001)
        let told = HostDevice(path: "/dev/y", isBlock: true, major: 8, minor: 1, mode: 0o600, userID: 3, groupID: 4)
        #expect(
            found.devices == [
                DeviceDecision(there, at: "/dev/x", .read), DeviceDecision(told, at: "/dev/y", .all),
            ])
        #expect(found.mounts.map(\.target) == ["/c"])
        #expect(found.mounts.map(\.flags) == [[.readOnly, .noSetUID, .noDevices, .recursive]])
    }

    @Test func hooksAreNamedByTheirDevice() throws {
        let found = try edits(
            #"""
            {"hooks": [{"hookName": "createContainer", "path": "/h", "args": ["h", "a"], "env": ["A=1"], "timeout": 3},
                       {"hookName": "startContainer", "path": "/bin/s"},
                       {"hookName": "poststop", "path": "/p", "args": ["p", "b"], "timeout": 4}]}
            """#)
        #expect(
            found.hooks.map(\.hook) == [
                LaunchHook(.createContainer, path: "/h", arguments: ["h", "a"], environment: ["A=1"], timeout: 3),
                LaunchHook(.startContainer, path: "/bin/s"),
            ])
        let late = found.hostHooks.map { [$0.station.rawValue, $0.path] + $0.arguments + ["\($0.timeout ?? 0)"] }
        #expect(late == [["poststop", "/p", "p", "b", "4"]] && found.hostHooks[0].environment[0].hasPrefix("PATH="))
        #expect(found.hooks[0].name == "createContainer hook /h of container c: device vendor.com/net=a of net.json")
    }

    @Test func noTwoNetworkDevicesHaveOneName() throws {
        func together(_ first: String, _ second: String) throws(CRIError) -> DeviceEdits {
            func named(_ device: String, _ networkDevice: String) -> [UInt8] {
                Array(
                    #"{"cdiVersion": "1.1.0", "kind": "v/c", "devices": [{"name": "\#(device)", "containerEdits": {"netDevices": [\#(networkDevice)]}}]}"#
                        .utf8)
            }
            let files = DeviceFiles(directories: [[("a.json", named("a", first)), ("b.json", named("b", second))]])
            return try DeviceEdits(files.edits(for: ["v/c=a", "v/c=b"], object: "container c"), identity: identity())
        }
        let one = #"{"hostInterfaceName": "eth1", "name": "net1"}"#
        let found = try together(one, #"{"hostInterfaceName": "eth2", "name": "net2"}"#)
        #expect(
            found.networkDevices.map { [$0.device.hostName, $0.device.name] } == [["eth1", "net1"], ["eth2", "net2"]])
        #expect(found.networkDevices[1].purpose == "container c: device v/c=b of b.json")
        for other in [one, #"{"hostInterfaceName": "eth2", "name": "net1"}"#] {
            let error = #expect(throws: CRIError.self) { try together(one, other) }
            #expect(error?.description.contains("v/c=a of a.json moves eth1 as net1") ?? false)
        }
    }

    @Test(arguments: [
        (#"{"intelRdt": {"closID": "a"}}"#, "intelRdt"),
        (#"{"deviceNodes": [{"path": "/run/x"}]}"#, "/run/x"),
        (#"{"deviceNodes": [{"path": "/dev/../there", "hostPath": "/dev/there"}]}"#, "beneath"),
        (#"{"deviceNodes": [{"path": "/dev/gone"}]}"#, "/dev/gone"),
        (#"{"deviceNodes": [{"path": "/dev/there", "type": "b"}]}"#, "type"),
        (#"{"deviceNodes": [{"path": "/dev/p", "type": "p"}]}"#, "pipe"),
        (#"{"mounts": [{"hostPath": "/h", "containerPath": "/c", "type": "tmpfs"}]}"#, "tmpfs"),
        (#"{"mounts": [{"hostPath": "/h", "containerPath": "/c", "options": ["size=1"]}]}"#, "size=1"),
    ])
    func whatCannotBeDoneIsNamed(_ text: String, _ part: String) {
        let error = #expect(throws: CRIError.self) { try edits(text) }
        for words in ["container c", "vendor.com/net=a", "net.json", part] {
            #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
        }
    }

    @Test func aFilesCommonEditsComeOnceAndFirst() throws {
        let common = #"{"env": ["ALL=1"]}"#
        let files = DeviceFiles(directories: [
            [
                ("a.json", file("a", #"{"env": ["A=1"]}"#, common: common)),
                ("b.json", file("b", #"{"env": ["B=1"]}"#)),
            ]
        ])
        let both = try files.edits(for: ["vendor.com/net=b", "vendor.com/net=a"], object: "c")
        #expect(both.map(\.edits.environment) == [[], ["B=1"], ["ALL=1"], ["A=1"]])
    }

    @Test func laterDirectoriesCountAndTwinsOfOneDoNot() throws {
        let (old, new) = (file("a", #"{"env": ["A=old"]}"#), file("a", #"{"env": ["A=new"]}"#))
        let later = DeviceFiles(directories: [[("etc/a.json", old)], [("run/a.json", new)]])
        #expect(try later.edits(for: ["vendor.com/net=a"], object: "c").last?.edits.environment == ["A=new"])
        let twins = DeviceFiles(directories: [[("a.json", old), ("b.json", new)]])
        let error = #expect(throws: CRIError.self) { try twins.edits(for: ["vendor.com/net=a"], object: "c") }
        #expect(error?.description.contains("a.json and b.json") ?? false)
    }

    @Test func yamlIsReadAndOneBadFileHidesNoOther() throws {
        let yaml = "cdiVersion: 0.5.0\nkind: v/c\ndevices:\n- name: one\n  containerEdits:\n    env: [ONE=1]\n"
        let files = DeviceFiles(directories: [[("bad.json", Array("{".utf8)), ("c.yaml", Array(yaml.utf8))]])
        #expect(try files.edits(for: ["v/c=one"], object: "c").last?.edits.environment == ["ONE=1"])
        let error = #expect(throws: CRIError.self) { try files.edits(for: ["v/c=two"], object: "c") }
        #expect(error?.description.contains("v/c=two") ?? false)
        #expect(error?.description.contains("bad.json") ?? false)
    }

    @Test func namesComeFromFieldAndAnnotationsOnce() throws {
        var config = ContainerConfig(metadata: ContainerMetadata(name: "c"), image: "i")
        config.namedDevices = ["v/c=b", "v/c=a"]
        config.annotations = ["cdi.k8s.io/x": "v/c=a,v/c=d", "cdi.k8s.io/a": "v/c=z", "other/x": "none"]
        #expect(try DeviceFiles.names(config) == ["v/c=b", "v/c=a", "v/c=z", "v/c=d"])
        config.annotations["cdi.k8s.io/x"] = "v/c"
        #expect(throws: CRIError.self) { try DeviceFiles.names(config) }
    }
}
