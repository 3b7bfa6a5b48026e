import DBus
import Glibc
import Launch
import OCISpecification
import Testing

@testable import OCIRuntime

/// What systemd is asked for.
@Suite struct SystemdScopeTests {
    private func name(_ path: String?, isUser: Bool = false) throws -> [String] {
        let name = try ScopeName(path, id: "i", isUser: isUser)
        return [name.slice, name.unit]
    }

    @Test func unitsAreNamedAsRuncNamesThem() throws {
        #expect(try name("machine.slice:libpod:abc") == ["machine.slice", "libpod-abc.scope"])
        #expect(try name("::abc") == ["system.slice", "abc.scope"])
        #expect(try name(":p:abc.scope", isUser: true) == ["user.slice", "p-abc.scope"])
        #expect(try name(nil) == ["system.slice", "swiftlet-oci-i.scope"])
        for path in ["/a/b", "a", "a.slice:b", "a:b:c", "a.slice:b:", "a.slice:b:c.slice", "a.slice:b:../c", "a:b:c:d"]
        {
            #expect(throws: OCIRuntimeError.self, "\(path)") { try name(path) }
        }
    }

    @Test func limitsBecomeProperties() throws {
        var resources = ResourceSpecification()
        resources.memory.limit = 100
        resources.memory.swap = 150
        resources.memory.reservation = 50
        resources.processor.quota = 12_345
        resources.processor.period = 50_000
        resources.processor.shares = 1024
        resources.processor.cpus = "0,9"
        resources.processes = -1
        resources.unified = ["memory.high": "90", "memory.min": "max", "io.max": "8:0 rbps=1"]
        let expected: [UnitProperty] = [
            .init("MemorySwapMax", .uint64(50)), .init("MemoryMax", .uint64(100)), .init("MemoryLow", .uint64(50)),
            .init("CPUWeight", .uint64(100)), .init("CPUQuotaPeriodUSec", .uint64(50_000)),
            .init("CPUQuotaPerSecUSec", .uint64(250_000)),
            .init("AllowedCPUs", .array(of: "y", [.byte(1), .byte(2)] + Array(repeating: .byte(0), count: 6))),
            .init("TasksMax", .uint64(.max)), .init("MemoryHigh", .uint64(90)), .init("MemoryMin", .uint64(.max)),
        ]
        #expect(UnitProperty.limits(resources) == expected)
    }

    @Test func onlySomeLimitsNeedMoreThanAUnitHas() {
        var resources = ResourceSpecification()
        resources.memory.limit = 100
        resources.unified = ["cpu.max.burst": "5"]
        #expect(!resources.needsMoreThanUnits)
        resources.unified = ["hugetlb.2MB.max": "0"]
        #expect(resources.needsMoreThanUnits)
    }

    @Test func whatIsNoLimitIsLeftToTheKernelToRefuse() {
        var resources = ResourceSpecification()
        resources.unified = [
            "cpu.max": "18446744073709551615 1", "memory.max": "much", "cpuset.cpus": "3-1", "pids.max": "-5",
        ]
        #expect(UnitProperty.limits(resources).isEmpty)
        resources.unified = ["cpu.max": "max 20000", "cpu.idle": "1"]
        #expect(
            UnitProperty.limits(resources) == [
                .init("CPUWeight", .uint64(0)), .init("CPUQuotaPeriodUSec", .uint64(20_000)),
                .init("CPUQuotaPerSecUSec", .uint64(.max)),
            ])
    }

    @Test func aSingleProcessFindsRoomBesideTheOneThatHoldsTheScope() {
        var resources = ResourceSpecification()
        #expect(resources.withRoomForOneMore == resources)
        resources.processes = 1
        #expect(resources.withRoomForOneMore.processes == 2)
        resources.unified = ["pids.max": "7"]
        #expect(resources.withRoomForOneMore == resources)
        resources.unified = ["pids.max": "1"]
        #expect(UnitProperty.limits(resources.withRoomForOneMore) == [.init("TasksMax", .uint64(2))])
    }

    @Test func anOlderSystemdIsNotToldOfIdleness() {
        let memory = UnitProperty("MemoryMax", .uint64(1))
        for version in ["252.39-1~deb12u1", "v253", "255"] {
            #expect(UnitProperty.known([.idle, memory], to: version) == [.idle, memory], "\(version)")
        }
        for version in ["251.2", "v249.11-0ubuntu3", "", "rolling"] {
            #expect(UnitProperty.known([.idle, memory], to: version) == [memory], "\(version)")
        }
    }

    @Test func aMachineWithinANamespaceIsItsRoots() {
        func isUser(_ user: UInt32, _ isInitial: Bool, _ owner: UInt32?) -> Bool {
            SystemdScope.isUser(user, isInitialNamespace: isInitial, systemBusOwner: owner)
        }
        #expect(!isUser(0, true, nil) && !isUser(0, true, 65534) && !isUser(0, false, 0))
        #expect(isUser(1000, true, 0) && isUser(1000, false, 0) && isUser(0, false, 65534) && isUser(0, false, nil))
    }

    @Test func aCallFromOutsideOfTheUsersSystemdIsToldTheWayIn() {
        func failure(_ code: Int32, _ stage: LaunchStage = .clone) -> OCIRuntimeError {
            .launch(stage, object: nil, code: code, index: 0)
        }
        let told = SystemdScope.explained(failure(EACCES), unit: "p-i.scope", isUser: true)
        #expect("\(told)".contains("p-i.scope") && "\(told)".contains("systemd-run --user --scope"))
        let ofSystem = SystemdScope.explained(failure(EACCES), unit: "p-i.scope", isUser: false)
        #expect("\(ofSystem)" == "\(failure(EACCES))")
        let earlier = failure(EACCES, LaunchStage(rawValue: 0))
        for (error, unit) in [(failure(EACCES), nil), (failure(EAGAIN), "u"), (earlier, "u")] {
            #expect("\(SystemdScope.explained(error, unit: unit, isUser: true))" == "\(error)")
        }
    }

    @Test func annotationsBecomeProperties() throws {
        let properties = try PropertyText.properties([
            "org.systemd.property.TimeoutStopSec": "uint64 5",
            "org.systemd.property.After": "['a.service', \"b\\\"c\"]",
            "org.systemd.property.CollectMode": "'inactive'", "org.systemd.property.Delegate": "false",
            "org.systemd.property.RuntimeMaxSec": "0.5", "org.systemd.property.TasksMax": "uint64 9", "other": "x",
        ])
        #expect(
            properties == [
                .init("After", .array(of: "s", [.string("a.service"), .string("b\"c")])),
                .init("CollectMode", .string("inactive")), .init("Delegate", .bool(false)),
                .init("RuntimeMaxUSec", .uint64(500_000)), .init("TasksMax", .uint64(9)),
                .init("TimeoutStopUSec", .uint64(5_000_000)),
            ])
        for text in ["", "x", "'a", "['a'", "['a' 'b']", "['a',]", "uint64 -1", "uint32", "'a' b", "4294967296"] {
            #expect(PropertyText.value(text) == nil, "\(text)")
        }
        #expect(PropertyText.value("[]") == .array(of: "s", []) && PropertyText.value("-3") == .int32(-3))
        for (name, text) in ["A": "1", "Task.Max": "1", "TimeoutStopSec": "-1"] {
            #expect(throws: OCIRuntimeError.self, "\(name)") {
                try PropertyText.properties(["org.systemd.property." + name: text])
            }
        }
    }

    @Test func theGroupIsWhereTheProcessIs() {
        let text = "1:name=systemd:/x\n0::/machine.slice/p-i.scope\n"
        #expect(ScopeEntry.path(in: text, of: "p-i.scope") == "machine.slice/p-i.scope")
        #expect(ScopeEntry.path(in: text, of: "i.scope") == nil)
        #expect(ScopeEntry.path(in: "0::/../p-i.scope", of: "p-i.scope") == nil)
        #expect(ScopeEntry.path(in: "0::/\n", of: "p-i.scope") == nil)
        let hierarchy = CgroupHierarchy(mountPoint: "/g", controllers: [])
        let group = ContainerCgroup(group: Cgroup("machine.slice/p-i.scope", in: hierarchy))
        #expect(group.beneath("0::/machine.slice/p-i.scope/init/a\n") == "/g/machine.slice/p-i.scope/init/a")
        for other in ["", "-2/a", "/../a"].map({ "0::/machine.slice/p-i.scope\($0)\n" }) + ["1:cpu:/a\n"] {
            #expect(group.beneath(other) == nil, "\(other)")
        }
    }

    @Test func errorsNameTheUnitAndTheWayOut() {
        let none = OCIRuntimeError.unit(name: "p-i.scope", .unreachable(bus: "/b", cause: "No such file"))
        #expect("\(none)".contains("p-i.scope") && "\(none)".contains("/b") && "\(none)".contains("cgroupfs"))
        let taken = OCIRuntimeError.unit(
            name: "p-i.scope", .refused(name: "org.freedesktop.systemd1.UnitExists", message: "it exists"))
        #expect("\(taken)".contains("it exists") && "\(taken)".contains("systemctl status p-i.scope"))
    }
}
