import CRI
import JSONTree
import Linux
import OCI
import Testing

@testable import ContainerRuntime

@Suite struct RecordTests {
    private let sandbox: SandboxRecord = {
        var config = podConfig
        config.portMappings = [PortMapping(transport: "UDP", containerPort: 53, hostPort: 5353, hostAddress: "::1")]
        return SandboxRecord(
            id: "s", config: config, hostname: "web", bootID: "boot", createdAt: 5, cgroup: "/c")
    }()

    private func container() -> ContainerRecord {
        var exec = ExecTemplate(
            environment: ["A=\u{1}ü\""], workingDirectory: "/", userID: 1, groupID: 2, supplementaryGroups: [3],
            capabilities: .max, noNewPrivileges: true, seccomp: .localhost(path: "/p"),
            appArmor: "profile of mine")
        exec.addedGroups = [3]
        exec.selinux = "u:r:t:s0"
        var record = ContainerRecord(
            id: "c", sandbox: sandbox, config: containerConfig(), imageID: "sha256:x", stopSignal: 15, exec: exec,
            createdAt: 6)
        record.warnings = ["w"]
        record.command = ["sh", "-c", "a b"]
        record.layers = ["sha256:y"]
        return record
    }

    @Test func survivesTheDisk() throws {
        var record = container()
        record.created(processID: 9)
        record.started(at: 10)
        let read = try JSONValue(parsing: record.json.encoded())
        #expect(try ContainerRecord(SpecificationReader(read, file: "f")) == record)
        var ready = sandbox
        ready.phase = .ready
        ready.addresses = ["10.0.0.1"]
        ready.networkDevices = [
            "eth1": GivenNetworkDevice(name: "net1", number: 7), "e/2": GivenNetworkDevice(name: "net2"),
            "eth3": GivenNetworkDevice(name: "net3", number: 8, isUnfinished: true),
        ]
        ready.selinux = CRI.SELinuxOptions(type: "t", level: "s0:c1")
        ready.users = PodUsers(users: .init(first: 1, count: 2), groups: .init(first: .max, count: 4))
        let value = try JSONValue(parsing: ready.json.encoded())
        #expect(try SandboxRecord(SpecificationReader(value, file: "f")) == ready)
    }

    @Test func aLongCommandIsCutAndAnOlderRecordHasTheProgram() throws {
        var record = container()
        let word = String(repeating: "x", count: 2_000)
        record.take(command: ["sh", word, word, word])
        #expect(record.command == ["sh", word, word])
        record.take(command: [word + word + word, "a"])
        #expect(record.command == [word + word + word], "its program is named where there is none")
        var object = record.json
        (object["command"], object["program"]) = (nil, "sh")
        #expect(try ContainerRecord(SpecificationReader(.object(object), file: "f")).command == ["sh"])
    }

    /// A pod that an older daemon made keeps its files where they are mounted from.
    @Test func anOlderRecordSaysNothingOfItsFiles() throws {
        var object = sandbox.json
        object["boundedFiles"] = nil
        let read = try SandboxRecord(SpecificationReader(.object(object), file: "f"))
        let paths = RuntimePaths(data: "/d", state: "/s", cgroupRoot: "/c")
        #expect(paths.podFiles(of: read) == "/s/sandboxes/s" && paths.deviceMemory(of: read) == "/s/sandboxes/s/shm")
        #expect(paths.podFiles(of: sandbox) == "/s/sandboxes/s/shm/etc")
        #expect(paths.deviceMemory(of: sandbox) == "/s/sandboxes/s/shm/shm")
    }

    @Test func brokenRecordsNameTheField() throws {
        var object = container().json
        object["phase"] = "flying"
        #expect(throws: OCIError.field(file: "f", field: "phase", cause: "\"flying\" is not known")) {
            try ContainerRecord(SpecificationReader(.object(object), file: "f"))
        }
    }

    @Test func phasesGoOneWay() {
        var record = container()
        record.started(at: 1)
        #expect(record.phase == .creating)
        record.created(processID: 9)
        record.ended(0, outOfMemory: false, startedAt: 7, at: 8)
        #expect(record.phase == .exited && record.reason == "Completed" && record.startedAt == 7)
        // The start's own report comes after a quick end.
        record.started(at: 7)
        record.ended(1, outOfMemory: true, startedAt: 0, at: 9)
        record.lost("late", exitCode: 255, at: 9)
        #expect(record.phase == .exited && record.exitCode == 0 && record.finishedAt == 8)
    }

    @Test func memoryIsTheReason() {
        var record = container()
        record.created(processID: 9)
        record.started(at: 1)
        record.ended(137, outOfMemory: true, startedAt: 1, at: 2)
        #expect(record.reason == "OOMKilled" && record.exitCode == 137)
    }

    @Test func whatAStartingDaemonDoes() {
        var record = sandbox
        #expect(Recovery.action(for: record, bootID: "boot") == .remove)
        record.phase = .ready
        #expect(Recovery.action(for: record, bootID: "boot") == .adopt)
        guard case .bury = Recovery.action(for: record, bootID: "other") else {
            Issue.record("a sandbox of another boot was not buried")
            return
        }
        record.phase = .resuming
        for boot in ["boot", "other"] {
            guard case .bury = Recovery.action(for: record, bootID: boot) else {
                Issue.record("a sandbox that was being started again was not stopped")
                return
            }
        }
        record.phase = .removing
        #expect(Recovery.action(for: record, bootID: "boot") == .remove)
        var held = container()
        #expect(Recovery.action(for: held, monitored: nil) == .remove)
        let made = MonitoredContainer(id: "c", state: .created, processID: 8, createdAt: 1, startedAt: 0, exit: nil)
        #expect(Recovery.action(for: held, monitored: made) == .created(processID: 8))
        held.created(processID: 1)
        #expect(Recovery.action(for: held, monitored: nil) == .lost)
        let running = MonitoredContainer(
            id: "c", state: .running, processID: 1, createdAt: 1, startedAt: 4, exit: nil)
        #expect(Recovery.action(for: held, monitored: running) == .started(at: 4, processID: 1))
        held.started(at: 4)
        #expect(Recovery.action(for: held, monitored: running) == .keep)
    }

    @Test func readsWhatTheKernelCounts() {
        #expect(CgroupFiles.cpuNanoseconds("usage_usec 5\nuser_usec 3\n") == 5_000)
        #expect(CgroupFiles.workingSet(current: "100\n", statistics: "anon 1\ninactive_file 40\n") == 60)
        #expect(CgroupFiles.workingSet(current: "", statistics: "") == nil)
        #expect(CgroupFiles.number("max\n") == nil)
    }

    @Test func aCgroupsFilesBecomeItsFigures() {
        let files = [
            "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\nthrottled_usec 7\n",
            "memory.current": "4096\n", "memory.max": "8192\n", "pids.current": "2\n",
            "memory.stat": "anon 1024\nfile 3072\nfile_mapped 5\ninactive_file 2048\npgfault 6\npgmajfault 1\n",
            "memory.events": "max 9\noom 2\noom_kill 1\n",
            "memory.pressure":
                "some avg10=1.05 avg60=0.20 avg300=100.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n",
        ]
        let stats = CgroupFiles.stats { files[$0] ?? "" }
        #expect(stats.cpuNanoseconds == 30_000)
        #expect(stats.cpu.userNanoseconds == 20_000 && stats.cpu.throttledNanoseconds == 7_000)
        #expect(stats.cpu.periods == 4 && stats.cpu.throttledPeriods == 3)
        #expect(stats.memoryBytes == 2048 && stats.memory.usage == 4096 && stats.memory.limit == 8192)
        #expect(stats.memory.resident == 1024 && stats.memory.cache == 3072 && stats.memory.kills == 1)
        #expect(stats.processes == 2 && stats.memory.swap == nil && stats.ioPressure == nil)
        let some = Pressure.Share(last10: 105, last60: 20, last300: 10_000, totalNanoseconds: 12_000)
        #expect(stats.memoryPressure?.some == some)
        #expect(stats.memoryPressure?.full?.totalNanoseconds == 3_000)
        #expect(Pressure(kernelText: "some avg10=x avg60=0.00 avg300=0.00 total=1") == nil)
    }
}
