import JSONTree
import Launch
import OCISpecification
import Testing

@testable import OCIRuntime

@Suite struct BundlePlannerTests {
    private func plan(_ linux: JSONObject, mounts: JSONValue = [], facts: HostFacts = HostFacts()) throws -> BundlePlan
    {
        let value: JSONValue = [
            "ociVersion": "1.2.0", "root": ["path": "rootfs"], "process": ["args": ["true"], "cwd": "/"],
            "mounts": mounts, "linux": .object(linux),
        ]
        let specification = try RuntimeSpecification(value, file: "config.json")
        let planner = BundlePlanner(specification, bundle: "/b", container: "c", facts: facts)
        return try planner.plan(try #require(specification.process), seccomp: nil)
    }

    private func mount(_ options: [String], type: String = "tmpfs") throws -> BundleMount {
        let value: JSONValue = [
            [
                "destination": "/m", "type": .string(type), "source": "src",
                "options": .array(options.map(JSONValue.string)),
            ]
        ]
        return try #require(try plan([:], mounts: value).mounts.first)
    }

    @Test func sortsOptionsByWhatTheyAre() throws {
        let planned = try mount(["ro", "nosuid", "size=1m", "tmpcopyup", "rslave"])
        #expect(planned.set == 3 && planned.options == ["size=1m"] && planned.copiesUp)
        #expect(planned.propagation == 1 << 19 && planned.spreadsBeneath)
    }

    @Test func theLaterOfTwoOptionsHolds() throws {
        let planned = try mount(["ro", "noexec", "rw"])
        #expect(planned.set == 8 && planned.clear == 1)
    }

    @Test func attributesBeneathAreApartFromTheMountsOwn() throws {
        let planned = try mount(["rbind", "rro", "noexec"], type: "bind")
        #expect(planned.source == .bind("/b/src", recursive: true))
        #expect(planned.set == 8 && planned.setBeneath == 1)
    }

    @Test func namespacesAreAsNamed() throws {
        let planned = try plan(["namespaces": [["type": "pid"], ["type": "network", "path": "/proc/1/ns/net"]]])
        #expect(planned.namespaces.map(\.kind) == [.pid, .network])
        #expect(planned.isNew(.pid) && !planned.isNew(.network) && planned.namespace(.mount) == nil)
    }

    @Test func aUserNamespaceGetsTheHostsDevices() throws {
        let map: JSONValue = [["containerID": 0, "hostID": 1000, "size": 10]]
        let planned = try plan(["namespaces": [["type": "user"]], "uidMappings": map, "gidMappings": map])
        #expect(planned.devices.isEmpty && planned.userMap == "0 1000 10\n")
        #expect(planned.mounts.contains { $0.source == .bind("/dev/null", recursive: false) })
    }

    @Test func refusesWhatWouldBeTheHosts() {
        for linux: JSONObject in [
            ["sysctl": ["kernel.panic": "1"]], ["sysctl": ["net.ipv4.ip_forward": "1"]],
            ["timeOffsets": ["boottime": ["secs": 1]]], ["namespaces": [["type": "user"]]],
            ["sysctl": ["net/../kernel/panic": "1"], "namespaces": [["type": "network"]]],
        ] {
            #expect(throws: OCIRuntimeError.self) { try plan(linux) }
        }
    }

    @Test func theLastDeviceRuleHoldsAndAllowingAllNeedsNoProgram() throws {
        let all: JSONValue = ["allow": true, "access": "rwm"]
        let none: JSONValue = ["allow": false, "access": "rwm"]
        let one: JSONValue = ["allow": false, "type": "c", "major": 10, "minor": 229, "access": "r"]
        func rules(_ list: JSONValue...) throws -> [DeviceRule]? {
            let section: JSONValue = ["devices": .array(list)]
            return DeviceDecision.rules(try ResourceSpecification(SpecificationReader(section, file: "f")).devices)
        }
        #expect(try rules(none, all) == nil)
        #expect(try rules(all, none) == DeviceRule.standard)
        let three = try #require(try rules(all, one))
        #expect(three.count == 2 + DeviceRule.standard.count && !three[1].allows && three[1].access == .read)
    }

    @Test func resourcesBecomeFilesOfTheUnifiedHierarchy() throws {
        var resources = ResourceSpecification()
        resources.memory.limit = 100
        resources.memory.swap = 150
        resources.processor.quota = 5000
        resources.processes = -1
        resources.unified = ["memory.high": "90"]
        let settings = ResourceSettings.settings(resources).map { "\($0.file)=\($0.value)" }
        #expect(
            settings == [
                "memory.swap.max=50", "memory.max=100", "cpu.max=5000 100000", "pids.max=max", "memory.high=90",
            ])
    }

    @Test func cgroupsAreNamedFromTheRoot() throws {
        #expect(try ContainerCgroup.name(for: "/a/b", id: "i", isSystemd: false) == "a/b")
        #expect(try ContainerCgroup.name(for: nil, id: "i", isSystemd: false) == "swiftlet-oci/i")
        let name = try ContainerCgroup.name(for: "a-b.slice:p:i", id: "i", isSystemd: true)
        #expect(name == "a.slice/a-b.slice/p-i.scope")
        #expect(throws: OCIRuntimeError.self) { try ContainerCgroup.name(for: "/a/../b", id: "i", isSystemd: false) }
    }

    @Test func signalsAreReadAsPeopleWriteThem() throws {
        for text in ["TERM", "SIGTERM", "term", "15"] { #expect(try SignalNames.number(text) == 15) }
        #expect(try SignalNames.number("SIGRTMIN+3") == 37)
        #expect(throws: OCIRuntimeError.self) { try SignalNames.number("NOTHING") }
    }

    @Test func notifyingTheCallsOfTheHandingOverIsRefused() throws {
        let section: JSONValue = [
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l",
            "syscalls": [["names": ["sendmsg"], "action": "SCMP_ACT_NOTIFY"]],
        ]
        let read = try SeccompSpecification(SpecificationReader(section, file: "f"))
        #expect(throws: OCIRuntimeError.self) { try SeccompDecision.flags(read) }
    }
}
