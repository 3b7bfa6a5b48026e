import APIMachinery
import CRI

extension NodeStats {
    /// The Prometheus text of `/metrics/cadvisor`: what cAdvisor's readers know of it. The node has the id `/`, a pod no container; what this host does
    /// not count is left out.
    package var cadvisorMetrics: String {
        var text = MetricsText(milliseconds: time.milliseconds)
        for family in Self.cadvisorFamilies {
            text.family(family.name, family.type, family.help) { lines in
                for (usage, labels, startedAt) in entities {
                    lines.add(family.value(usage, startedAt), labels + family.labels)
                }
            }
        }
        addNetwork(to: &text)
        text.family("machine_memory_bytes", "gauge", "Memory of the machine.") {
            $0.add(usage.memoryCapacity.map(String.init))
        }
        return text.text
    }

    /// The node, and all pods and containers, with their labels.
    private var entities: [(ContainerStats, [(String, String)], UnixNanoseconds)] {
        var node = ContainerStats(
            cpuNanoseconds: usage.cpuNanoseconds, memoryBytes: usage.workingSetBytes, processes: nil)
        node.memory.usage = usage.memoryBytes
        node.memory.resident = usage.residentBytes
        node.cpuPressure = usage.cpuPressure
        node.memoryPressure = usage.memoryPressure
        node.ioPressure = usage.ioPressure
        let empty = ["container", "image", "name", "namespace", "pod"].map { ($0, "") }
        var all: [(ContainerStats, [(String, String)], UnixNanoseconds)] = [(node, empty + [("id", "/")], 0)]
        for pod in pods {
            all.append((pod.usage, [("container", ""), ("image", ""), ("name", "")] + pod.labels, pod.startedAt))
            for container in pod.containers {
                let labels = [("container", container.name), ("image", container.image), ("name", container.id)]
                all.append((container.usage, labels + pod.labels, container.startedAt))
            }
        }
        return all
    }

    private struct Family: Sendable {
        var name: String
        var type: String
        var help: String
        var labels: [(String, String)] = []
        var value: @Sendable (ContainerStats, UnixNanoseconds) -> String?

        static func counter(
            _ name: String, _ help: String, _ value: @escaping @Sendable (ContainerStats) -> UInt64?
        ) -> Family {
            Family(name: name, type: "counter", help: help) { usage, _ in value(usage).map(String.init) }
        }

        static func gauge(
            _ name: String, _ help: String, _ value: @escaping @Sendable (ContainerStats) -> UInt64?
        ) -> Family {
            Family(name: name, type: "gauge", help: help) { usage, _ in value(usage).map(String.init) }
        }

        /// A counter of nanoseconds, in seconds.
        static func time(
            _ name: String, _ help: String, _ value: @escaping @Sendable (ContainerStats) -> UInt64?
        ) -> Family {
            Family(name: name, type: "counter", help: help) { usage, _ in seconds(value(usage)) }
        }

        func with(_ label: String, _ value: String) -> Family {
            var copy = self
            copy.labels.append((label, value))
            return copy
        }
    }

    private static let cadvisorFamilies: [Family] =
        [
            .time("container_cpu_usage_seconds_total", "Processor time used.") { $0.cpuNanoseconds }
                .with("cpu", "total"),
            .time("container_cpu_user_seconds_total", "Of it in programs.") { $0.cpu.userNanoseconds },
            .time("container_cpu_system_seconds_total", "Of it in the kernel.") { $0.cpu.systemNanoseconds },
            .counter("container_cpu_cfs_periods_total", "Periods of the limit in which it ran.") { $0.cpu.periods },
            .counter("container_cpu_cfs_throttled_periods_total", "Periods in which it was held back.") {
                $0.cpu.throttledPeriods
            },
            .time("container_cpu_cfs_throttled_seconds_total", "For how long it was held back.") {
                $0.cpu.throttledNanoseconds
            },
            .gauge("container_memory_usage_bytes", "Memory, page cache included.") { $0.memory.usage },
            .gauge("container_memory_working_set_bytes", "Memory in use, without idle cache.") { $0.memoryBytes },
            .gauge("container_memory_rss", "Anonymous memory.") { $0.memory.resident },
            .gauge("container_memory_cache", "Page cache.") { $0.memory.cache },
            .gauge("container_memory_mapped_file", "Page cache that is mapped.") { $0.memory.mappedFile },
            .gauge("container_memory_swap", "Swapped out.") { $0.memory.swap },
            .gauge("container_spec_memory_limit_bytes", "The limit of memory; 0: none.") {
                $0.memory.usage == nil ? nil : $0.memory.limit ?? 0
            },
            .counter("container_oom_events_total", "Processes killed for the limit of memory.") { $0.memory.kills },
            .gauge("container_processes", "Processes and threads.") { $0.processes },
            Family(name: "container_start_time_seconds", type: "gauge", help: "When it started, since the epoch.") {
                $1 > 0 ? seconds(UInt64(clamping: $1)) : nil
            },
        ] + pressureFamilies

    private static let pressureFamilies: [Family] = {
        let resources: [(String, @Sendable (ContainerStats) -> Pressure?)] = [
            ("cpu", { $0.cpuPressure }), ("memory", { $0.memoryPressure }), ("io", { $0.ioPressure }),
        ]
        return resources.flatMap { name, pressure -> [Family] in
            [
                .time("container_pressure_\(name)_waiting_seconds_total", "Time in which some task waited for \(name).")
                {
                    pressure($0)?.some.totalNanoseconds
                },
                .time("container_pressure_\(name)_stalled_seconds_total", "Time in which all tasks waited for \(name).")
                {
                    pressure($0)?.full?.totalNanoseconds
                },
            ]
        }
    }()
}
