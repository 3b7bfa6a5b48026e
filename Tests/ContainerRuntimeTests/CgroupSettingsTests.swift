import CRI
import Testing

@testable import ContainerRuntime

@Suite struct CgroupSettingsTests {
    private let controllers: Set<String> = ["cpu", "memory", "pids"]

    @Test func resourcesBecomeCgroupValues() {
        var resources = ContainerResources()
        resources.cpuRequest = 1000
        resources.cpuLimit = 5
        resources.memoryLimit = 1 << 30
        let settings = CgroupSettings(resources, object: "c", controllers: controllers)
        let values = Dictionary(uniqueKeysWithValues: settings.values.map { ($0.file, $0.value) })
        #expect(values["cpu.weight"] == "100" && values["cpu.max"] == "1000 100000")
        #expect(values["memory.max"] == "1073741824" && values["memory.swap.max"] == "0")
        resources.cpuRequest = 0
        let none = CgroupSettings(resources, object: "c", controllers: controllers)
        #expect(none.values.first { $0.file == "cpu.weight" }?.value == "1")
        #expect(CgroupSettings.weight(0) == 1 && CgroupSettings.weight(.max) == 10_000)
        #expect(CgroupSettings.weight(100) == 17 && CgroupSettings.weight(500) == 59)
        #expect(CgroupSettings.bandwidth(.max) == "100000000000 100000")
    }

    @Test func limitsAreLifted() {
        var resources = ContainerResources()
        resources.cpuLimit = -1
        resources.memoryLimit = -1
        let settings = CgroupSettings(resources, object: "c", controllers: ["cpu", "memory"])
        #expect(settings.values.map(\.file) == ["cpu.max", "memory.max", "memory.swap.max"])
        #expect(settings.values.allSatisfy { $0.value == "max" })
        let none = CgroupSettings(resources, object: "c", controllers: [])
        #expect(none.values.isEmpty && none.warnings.isEmpty)
    }

    @Test func noHugePagesIsALimit() {
        var resources = ContainerResources()
        resources.hugePageLimits = ["1GB": 0, "2MB": 4 << 20]
        let settings = CgroupSettings(resources, object: "c", controllers: ["hugetlb"])
        #expect(
            settings.values.map { $0.file + "=" + $0.value } == [
                "hugetlb.1GB.max=0", "hugetlb.1GB.rsvd.max=0", "hugetlb.2MB.max=4194304",
                "hugetlb.2MB.rsvd.max=4194304",
            ])
        let lacking = CgroupSettings(resources, object: "c", controllers: [])
        #expect(lacking.warnings.count == 1 && lacking.warnings[0].contains("2MB"))
    }

    @Test func aGroupDiesOneContainerAtATimeAndSaysNothingOfItsOwn() {
        var resources = ContainerResources()
        resources.memoryLimit = 64 << 20
        resources.processLimit = 100
        let settings = CgroupSettings(resources, object: "p", controllers: controllers, scope: .group)
        #expect(settings.values.map(\.file) == ["memory.max", "memory.swap.max", "pids.max"])
        let lacking = CgroupSettings(resources, object: "p", controllers: [], scope: .group)
        #expect(lacking.values.isEmpty && lacking.warnings.isEmpty)
    }

    @Test func theBurstableClassWeighsWhatItsReadyPodsAskFor() {
        func record(_ cgroup: String, _ request: Int64, _ phase: SandboxRecord.Phase = .ready) -> SandboxRecord {
            var config = podConfig
            config.resources.cpuRequest = request
            var record = SandboxRecord(
                id: cgroup, config: config, hostname: "", bootID: "b", createdAt: 0, cgroup: cgroup)
            record.phase = phase
            return record
        }
        let records = [
            record("/p/burstable/a", 400), record("/p/burstable/b", 600), record("/p/burstable/c", 5_000, .notReady),
            record("/p/d", 9_000),
        ]
        #expect(ClassWeight.burstable(records, under: "/p/burstable") == CgroupSettings.weight(1_000))
        #expect(ClassWeight.burstable([], under: "/p/burstable") == 1)
        let huge = [record("/p/burstable/a", .max), record("/p/burstable/b", .max)]
        #expect(ClassWeight.burstable(huge, under: "/p/burstable") == 10_000)
    }
}
