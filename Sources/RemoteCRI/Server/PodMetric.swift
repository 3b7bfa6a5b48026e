import CRI
import Protobuf

/// A metric in the form that cAdvisor has given it and that dashboards know.
struct PodMetric: Sendable {
    let name: String
    let help: String
    let isCounter: Bool
    let read: @Sendable (ContainerStats) -> UInt64?

    static let all = [
        PodMetric(
            name: "container_cpu_usage_seconds_total", help: "CPU time used, in whole seconds.", isCounter: true,
            read: { $0.cpuNanoseconds.map { $0 / 1_000_000_000 } }),
        PodMetric(
            name: "container_memory_working_set_bytes", help: "Memory in use that cannot be dropped.",
            isCounter: false, read: \.memoryBytes),
        PodMetric(
            name: "container_memory_usage_bytes", help: "Memory in use, the page cache with it.", isCounter: false,
            read: \.memory.usage),
        PodMetric(
            name: "container_memory_rss", help: "Anonymous memory.", isCounter: false, read: \.memory.resident),
        PodMetric(name: "container_memory_swap", help: "Swap in use.", isCounter: false, read: \.memory.swap),
        PodMetric(name: "container_processes", help: "Processes and threads.", isCounter: false, read: \.processes),
    ]

    private static let labels = ["id", "namespace", "pod", "container"]

    var descriptor: Message<Wire.MetricDescriptor> {
        Message {
            $0.name = name
            $0.help = help
            $0.labelKeys = Self.labels
        }
    }

    /// What is not counted on this host is left out.
    static func values(
        _ stats: ContainerStats, _ sandbox: PodSandboxStatus, container: ContainerStatus?
    ) -> [Message<Wire.Metric>] {
        all.compactMap { metric in
            guard let value = metric.read(stats) else { return nil }
            return Message {
                $0.name = metric.name
                $0.metricType = metric.isCounter ? .counter : .gauge
                $0.labelValues = [
                    container?.id ?? sandbox.id, sandbox.metadata.namespace, sandbox.metadata.name,
                    container?.metadata.name ?? "",
                ]
                $0.value = Message(value)
            }
        }
    }
}
