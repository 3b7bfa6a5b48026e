import CRI
import Protobuf
import Testing

@testable import RemoteCRI

@Suite struct MetricTests {
    private var source: MetricSource {
        let sandbox = PodSandboxStatus(
            id: "box", metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "n"), state: .ready, createdAt: 1)
        var stats = ContainerStats(cpuNanoseconds: 5_500_000_000, memoryBytes: 7, processes: nil)
        stats.memory.usage = 10
        let eth = InterfaceStats.Direction(bytes: 1, packets: 2, errors: 3, dropped: 4)
        var source = MetricSource(
            sandbox: sandbox, stats: stats, interfaces: [InterfaceStats(name: "eth0", received: eth, sent: eth)],
            time: 2_000_000_000)
        source.container = ContainerStatus(
            id: "c1", sandbox: "box", metadata: ContainerMetadata(name: "main"), state: .running, createdAt: 1,
            image: "web:1", imageID: "sha256:1")
        source.layer = FilesystemUsage(path: "/var", usedBytes: 11, usedInodes: 1)
        var tally = ContainerTally()
        tally.hugePages = ["2MB": 4]
        tally.devices = [DeviceTally(device: "8:0", readBytes: 1, writtenBytes: 2, reads: 3, writes: 4)]
        tally.filesystem = FilesystemCapacity(bytes: 100, inodes: 10, freeInodes: 9)
        tally.processes.openFilesLimit = 1_024
        source.tally = tally
        return source
    }

    @Test func valuesHaveTheLabelsThatAreDescribed() {
        let keys = Dictionary(
            uniqueKeysWithValues: PodMetric.all.map(\.descriptor).map { ($0.name, $0.labelKeys.count) })
        let values = PodMetric.values(source)
        #expect(values.allSatisfy { keys[$0.name] == $0.labelValues.count })
        #expect(PodMetric.all.allSatisfy { !$0.help.isEmpty })
        func value(_ name: String) -> UInt64? { values.first { $0.name == "container_" + name }?.value?.value }
        #expect(value("cpu_usage_seconds_total") == 5)
        #expect(value("network_receive_packets_dropped_total") == 4)
        #expect(value("fs_inodes_free") == 9)
        #expect(value("hugetlb_usage_bytes") == 4)
        #expect(value("spec_cpu_period") == 100_000)
        #expect(value("memory_working_set_bytes") == 7)
    }

    @Test func whatIsNotCountedIsLeftOut() {
        var source = source
        source.tally = nil
        source.layer = nil
        let names = Set(PodMetric.values(source).map(\.name))
        #expect(!names.contains("container_fs_usage_bytes"))
        #expect(!names.contains("container_threads"))
        #expect(names.contains("container_memory_usage_bytes"))
    }

    /// A host without a controller for memory counts it by its processes.
    @Test func memoryIsCountedByProcessesWhereTheCgroupDoesNot() {
        var source = MetricSource(
            sandbox: source.sandbox, stats: ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil),
            interfaces: [], time: 0)
        #expect(source.memory.usage == nil)
        var tally = ContainerTally()
        tally.processes.anonymous = 100
        tally.processes.mappedFile = 20
        tally.processes.shared = 3
        source.tally = tally
        #expect(source.memory.usage == 123)
        #expect(source.workingSet == 103)
    }

    @Test func ratesAreOfTheTimeBetweenTwoQuestions() {
        let rates = ProcessorRates()
        let second: Int64 = 1_000_000_000
        // The first is the mean since the start.
        #expect(rates.rate(of: "a", used: 1_000_000_000, since: 0, now: 10 * second) == 100_000_000)
        // Too soon to say anything new.
        #expect(rates.rate(of: "a", used: 1_500_000_000, since: 0, now: 10 * second + 1) == 100_000_000)
        #expect(rates.rate(of: "a", used: 3_000_000_000, since: 0, now: 12 * second) == 1_000_000_000)
        // A counter that began anew.
        #expect(rates.rate(of: "a", used: 5, since: 0, now: 13 * second) == 1_000_000_000)
        #expect(rates.rate(of: "b", used: nil, since: 0, now: second) == nil)
    }

    @Test func anImageIsMountedReadOnlyAlone() throws {
        var wire = Message<Wire.Mount> {
            $0.containerPath = "/v"
            $0.image = Message { $0.image = "web:1" }
        }
        #expect(throws: CRIError.self) { try Mount(wire) }
        wire = Message<Wire.Mount> {
            $0.containerPath = "/v"
            $0.readonly = true
            $0.imageSubPath = "etc"
            $0.image = Message {
                $0.image = "web:1"
                $0.imageRef = "sha256:1"
            }
        }
        let mount = try Mount(wire)
        #expect(mount.image == "web:1" && mount.imageID == "sha256:1" && mount.subPath == "etc")
        #expect(mount.wire.image?.imageRef == "sha256:1")
    }
}
