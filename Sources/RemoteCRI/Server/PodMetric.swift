import CRI
import Protobuf

/// What a pod's or a container's metrics are made of.
struct MetricSource: Sendable {
    let sandbox: PodSandboxStatus
    let stats: ContainerStats
    /// Of a pod; empty for a container.
    let interfaces: [InterfaceStats]
    /// Nanoseconds since the Unix epoch.
    let time: Int64
    /// nil for a pod.
    var container: ContainerStatus?
    var layer: FilesystemUsage?
    var tally: ContainerTally?

    /// As the cgroup counts memory, or, where its host has no controller for that, the sums over the processes.
    var memory: MemoryStats {
        guard stats.memory.usage == nil, let processes = tally?.processes else { return stats.memory }
        var memory = MemoryStats()
        memory.resident = processes.anonymous
        memory.mappedFile = processes.mappedFile
        memory.cache = processes.mappedFile
        memory.swap = processes.swap
        memory.kernel = processes.pageTables
        memory.usage = processes.anonymous &+ processes.shared &+ processes.mappedFile
        memory.peak = processes.peak
        return memory
    }

    /// What is not to be dropped: counted as `memory` is.
    var workingSet: UInt64? {
        stats.memoryBytes ?? (tally?.processes).map { $0.anonymous &+ $0.shared }
    }
}

/// A metric in the form that cAdvisor has given it and that dashboards know.
struct PodMetric: Sendable {
    struct Sample: Sendable {
        /// The values of the metric's own labels.
        var labels: [String] = []
        var value: UInt64
    }

    let name: String
    let help: String
    let isCounter: Bool
    /// Beside those that every metric has.
    let labels: [String]
    let read: @Sendable (MetricSource) -> [Sample]

    init(
        _ name: String, _ help: String, isCounter: Bool, labels: [String],
        read: @escaping @Sendable (MetricSource) -> [Sample]
    ) {
        self.name = "container_" + name
        self.help = help
        self.isCounter = isCounter
        self.labels = labels
        self.read = read
    }

    static func counter(
        _ name: String, _ help: String, _ read: @escaping @Sendable (MetricSource) -> UInt64?
    ) -> PodMetric {
        PodMetric(name, help, isCounter: true, labels: []) { source in read(source).map { [Sample(value: $0)] } ?? [] }
    }

    static func gauge(
        _ name: String, _ help: String, _ read: @escaping @Sendable (MetricSource) -> UInt64?
    ) -> PodMetric {
        PodMetric(name, help, isCounter: false, labels: []) { source in read(source).map { [Sample(value: $0)] } ?? [] }
    }

    static let all = processor + memory + filesystem + network + processes + limits

    private static let commonLabels = ["container", "id", "image", "name", "namespace", "pod"]

    var descriptor: Message<Wire.MetricDescriptor> {
        Message {
            $0.name = name
            $0.help = help
            $0.labelKeys = Self.commonLabels + labels
        }
    }

    /// What is not counted on this host is left out.
    static func values(_ source: MetricSource) -> [Message<Wire.Metric>] {
        let container = source.container
        let common = [
            container?.metadata.name ?? "", container?.id ?? source.sandbox.id, container?.image ?? "",
            container?.id ?? "", source.sandbox.metadata.namespace, source.sandbox.metadata.name,
        ]
        return all.flatMap { metric in
            metric.read(source).map { sample in
                Message {
                    $0.name = metric.name
                    $0.timestamp = source.time
                    $0.metricType = metric.isCounter ? .counter : .gauge
                    $0.labelValues = common + sample.labels
                    $0.value = Message(sample.value)
                }
            }
        }
    }
}
