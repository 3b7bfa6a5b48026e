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

    @Test func onlyRootOfTheHostAttachesADeviceProgram() throws {
        #expect(try plan([:]).deviceRules == DeviceRule.standard)
        #expect(try plan([:], facts: HostFacts(canMakeNodes: false)).deviceRules == nil)
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
        let pages: JSONValue = ["hugepageLimits": [["pageSize": "2MB", "limit": 7]]]
        var resources = try ResourceSpecification(SpecificationReader(pages, file: "f"))
        resources.memory.limit = 100
        resources.memory.swap = 150
        resources.processor.quota = 5000
        resources.processes = -1
        resources.unified = ["memory.high": "90"]
        let settings = ResourceSettings.settings(resources).map { "\($0.file)=\($0.value)" }
        #expect(
            settings == [
                "memory.swap.max=50", "memory.max=100", "cpu.max=5000 100000", "pids.max=max", "hugetlb.2MB.max=7",
                "hugetlb.2MB.rsvd.max=7", "memory.high=90",
            ])
    }

    @Test(arguments: [(1, "1"), (2, "1"), (512, "59"), (1024, "100"), (262_144, "10000"), (.max, "10000")])
    func sharesBecomeAWeight(shares: UInt64, weight: String) {
        var resources = ResourceSpecification()
        resources.processor.shares = shares
        #expect(ResourceSettings.settings(resources).map(\.value) == [weight])
    }

    @Test func anUpdateKeepsWhatItsValuesHangOn() {
        func written(
            cpuMax: String? = "20000 50000\n", memoryMax: UInt64? = 100,
            _ change: (inout ResourceSpecification) -> Void
        ) -> [String] {
            var update = ResourceSpecification()
            change(&update)
            let whole = ResourceSettings.completed(update, cpuMax: cpuMax, memoryMax: memoryMax)
            return ResourceSettings.settings(whole).map { "\($0.file)=\($0.value)" }
        }
        #expect(written { _ in } == [])
        #expect(written { $0.processor.quota = 10000 } == ["cpu.max=10000 50000"])
        #expect(written { $0.processor.quota = -1 } == ["cpu.max=max 50000"])
        #expect(written { $0.processor.period = 80000 } == ["cpu.max=20000 80000"])
        #expect(written { ($0.processor.quota, $0.processor.period) = (1000, 2000) } == ["cpu.max=1000 2000"])
        #expect(written(cpuMax: "max 100000") { $0.processor.period = 80000 } == ["cpu.max=max 80000"])
        #expect(written(cpuMax: nil) { $0.processor.quota = 10000 } == ["cpu.max=10000 100000"])
        #expect(written { $0.memory.swap = 150 } == ["memory.swap.max=50", "memory.max=100"])
        #expect(written { ($0.memory.swap, $0.memory.limit) = (150, 70) } == ["memory.swap.max=80", "memory.max=70"])
        #expect(written { $0.memory.swap = -1 } == ["memory.swap.max=max"])
        #expect(written(memoryMax: nil) { $0.memory.swap = 150 } == ["memory.swap.max=150"])
    }

    /// checkBeforeUpdate of config-linux.md.
    @Test func aLimitBelowWhatIsInUseIsRefusedWhereThatIsAskedFor() throws {
        func isTaken(limit: Int64? = nil, swap: Int64? = nil, checks: Bool = true, usage: UInt64? = 100) -> Bool {
            var resources = ResourceSpecification()
            (resources.memory.limit, resources.memory.swap) = (limit, swap)
            resources.memory.checksBeforeUpdate = checks
            return (try? ResourceSettings.checkUsage(resources.memory, usage)) != nil
        }
        #expect(!isTaken(limit: 99) && !isTaken(limit: 100) && !isTaken(swap: 100) && !isTaken(limit: 101, swap: 90))
        #expect(isTaken() && isTaken(limit: 101) && isTaken(limit: -1, swap: -1) && isTaken(limit: 0))
        #expect(isTaken(limit: 99, checks: false) && isTaken(limit: 99, usage: nil))
        let section: JSONValue = ["memory": ["limit": 5, "checkBeforeUpdate": true]]
        let memory = try ResourceSpecification(SpecificationReader(section, file: "f")).memory
        #expect(throws: OCIRuntimeError.self) { try ResourceSettings.checkUsage(memory, 6) }
    }

    @Test func aPageSizeIsOneOfTheKernels() throws {
        let section: JSONValue = [
            "hugepageLimits": [["pageSize": "2MB", "limit": 1], ["pageSize": "1GB", "limit": 1]]
        ]
        var resources = try ResourceSpecification(SpecificationReader(section, file: "f"))
        try ResourceSettings.checkPageSizes(resources, kernel: [2048, 1_048_576])
        for wrong in ["3MB", "2 MB", "MB", "", "-1MB", "99999999999999999999GB"] {
            resources.hugePages[1].pageSize = wrong
            #expect(throws: OCIRuntimeError.self) {
                try ResourceSettings.checkPageSizes(resources, kernel: [2048, 1_048_576])
            }
            try ResourceSettings.checkPageSizes(resources, kernel: [])
        }
        #expect([64, 2048, 1_048_576, 0].map(PageSizes.name) == ["64KB", "2MB", "1GB", "0KB"])
    }

    @Test func aProfileIsALabelWhereTheKernelHasAppArmor() throws {
        var process = ProcessSpecification()
        process.arguments = ["true"]
        func label(_ profile: String, _ facts: HostFacts) throws -> (label: String?, unheld: [String]) {
            process.appArmorProfile = profile
            let planner = ProcessPlanner(facts: facts)
            return (try planner.plan(process, seccomp: nil).traits.label?.text, planner.unheld(process))
        }
        #expect(try label("acme", HostFacts(hasAppArmor: true)) == ("exec acme", []))
        #expect(try label("unconfined", HostFacts(hasAppArmor: true)) == (nil, []))
        let without = try label("acme", HostFacts())
        #expect(without.label == nil && without.unheld.count == 1 && without.unheld[0].contains("acme cannot be held"))
        process.selinuxLabel = "a:b:c:s0"
        #expect(try label("acme", HostFacts(hasSELinux: true)).label == "a:b:c:s0")
        for facts in [HostFacts(), HostFacts(hasAppArmor: true), HostFacts(hasAppArmor: true, hasSELinux: true)] {
            #expect(throws: OCIRuntimeError.self) { try label("acme", facts) }
        }
    }

    @Test func mountsAreLabelledWhereTheKernelHasSELinux() throws {
        let linux: JSONObject = ["mountLabel": "u:object_r:t:s0"]
        #expect(try plan(linux, facts: HostFacts(hasSELinux: true)).mountLabel == "u:object_r:t:s0")
        #expect(try plan(linux).mountLabel == nil)
        #expect(try plan(["mountLabel": ""], facts: HostFacts(hasSELinux: true)).mountLabel == nil)
    }

    @Test func cgroupsAreNamedFromTheRoot() throws {
        #expect(try ContainerCgroup.name(for: "/a/b", id: "i") == "a/b")
        #expect(try ContainerCgroup.name(for: nil, id: "i") == "swiftlet-oci-i")
        #expect(throws: OCIRuntimeError.self) { try ContainerCgroup.name(for: "/a/../b", id: "i") }
    }

    @Test func signalsAreReadAsPeopleWriteThem() throws {
        for text in ["TERM", "SIGTERM", "term", "15"] { #expect(try Invocation.signal(text) == 15) }
        #expect(
            try Invocation.signal("SIGRTMIN+3") == 37 && Invocation.signal("0") == 0 && Invocation.signal("SIGIO") == 29
        )
        for text in ["NOTHING", "65", "-1"] { #expect(throws: OCIRuntimeError.self) { try Invocation.signal(text) } }
    }

    @Test(arguments: ["sendmsg", "write", "close", "prctl", "setgroups", "setresgid", "setresuid", "capset", "mkdir"])
    func notifyingTheCallsOfTheLaunchIsRefused(call: String) throws {
        let section: JSONValue = [
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l",
            "syscalls": [["names": ["mkdirat", .string(call)], "action": "SCMP_ACT_NOTIFY"]],
        ]
        let read = try SeccompSpecification(SpecificationReader(section, file: "f"))
        let isTaken = (try? SeccompDecision.flags(read)) != nil
        #expect(isTaken == (call == "mkdir"))
    }
}
