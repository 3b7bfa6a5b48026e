import APIMachinery
import CRI
import JSONTree
import Kubelet
import Testing

@Suite struct NodeStatsTests {
    private let stats = NodeStats(
        node: "n", time: Timestamp(seconds: 1_700_000_000, nanoseconds: 250_000_000),
        usage: NodeUsage(
            processorTimes: "cpu  100 0 50 1000 30 0 5 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n",
            memory: """
                MemTotal:        1000 kB
                MemFree:          300 kB
                Inactive(file):    80 kB
                KReclaimable:      20 kB
                AnonPages:        200 kB
                """, ticksPerSecond: 100),
        pods: [
            NodeStats.Pod(
                metadata: PodSandboxMetadata(name: "p", uid: "u", namespace: "ns"), startedAt: 5_000_000_000,
                usage: ContainerStats(cpuNanoseconds: 3_000_000_007, memoryBytes: nil, processes: 4),
                containers: [
                    NodeStats.Container(
                        name: "a", startedAt: 6_000_000_000,
                        usage: ContainerStats(cpuNanoseconds: 1_500_000_000, memoryBytes: 4096, processes: nil))
                ])
        ])

    @Test func theNodesFiguresComeFromTheKernelsText() {
        #expect(stats.usage.cpuNanoseconds == 1_550_000_000)
        #expect(stats.usage.memoryBytes == 700 << 10)
        #expect(stats.usage.workingSetBytes == 600 << 10)
        #expect(stats.usage.residentBytes == 200 << 10)
        let empty = NodeUsage(processorTimes: "cpu 1", memory: "MemTotal: x kB", ticksPerSecond: 100)
        #expect(empty == NodeUsage())
    }

    @Test func whatIsNotCountedIsLeftOut() {
        let lines = stats.metrics.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        #expect(
            lines == [
                "node_cpu_usage_seconds_total 1.550000000 1700000000250",
                "node_memory_working_set_bytes 614400 1700000000250",
                #"pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 3.000000007 1700000000250"#,
                #"container_cpu_usage_seconds_total{container="a",namespace="ns",pod="p"} 1.500000000 1700000000250"#,
                #"container_memory_working_set_bytes{container="a",namespace="ns",pod="p"} 4096 1700000000250"#,
                #"container_start_time_seconds{container="a",namespace="ns",pod="p"} 6.000000000 1700000000250"#,
                "resource_scrape_error 0 1700000000250",
            ])
        #expect(!stats.metrics.contains("pod_memory"))
        let summary = stats.summary
        let pod = summary["pods"]?.array?.first
        #expect(pod?["podRef"]?["uid"] == "u")
        #expect(pod?["memory"] == nil)
        #expect(pod?["process_stats"]?["process_count"] == 4)
        #expect(pod?["containers"]?.array?.first?["memory"]?["workingSetBytes"] == 4096)
        #expect(summary["node"]?["memory"]?["availableBytes"] == .integer(400 << 10))
        #expect(summary["node"]?["fs"] == nil)
    }

    @Test func pressureStandsInTheSummaryAndInTheMetrics() throws {
        var stats = stats
        let text =
            "some avg10=1.05 avg60=0.20 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
        stats.pods[0].usage.memoryPressure = Pressure(kernelText: text)
        stats.usage.cpuPressure = Pressure(kernelText: text)
        let pod = stats.summary["pods"]?.array?.first
        let psi = try #require(pod?["memory"]?["psi"])
        #expect(psi["some"]?["total"] == 1_500_000_000)
        #expect(psi["some"]?["avg10"] == .number("1.05"))
        #expect(psi["full"]?["total"] == 7_000)
        let lines = Set(stats.cadvisorMetrics.split(separator: "\n").map(String.init))
        let node = #"container="",image="",name="",namespace="",pod="",id="/""#
        #expect(lines.contains("container_pressure_cpu_waiting_seconds_total{\(node)} 1.500000000 1700000000250"))
        let labels = #"container="",image="",name="",namespace="ns",pod="p""#
        #expect(lines.contains("container_pressure_memory_stalled_seconds_total{\(labels)} 0.000007000 1700000000250"))
        #expect(lines.contains(#"container_cpu_usage_seconds_total{\#(labels),cpu="total"} 3.000000007 1700000000250"#))
        #expect(lines.contains("machine_memory_bytes 1024000 1700000000250"))
    }
}
