import APIMachinery
import CRI

extension NodeStats {
    /// The Prometheus text of `/metrics/resource`: upstream's names, so that its readers (metrics-server) understand it.
    package var metrics: String {
        var text = MetricsText(milliseconds: time.milliseconds)
        text.family("node_cpu_usage_seconds_total", "counter", "Processor time that the node has used.") {
            $0.add(seconds(usage.cpuNanoseconds))
        }
        text.family("node_memory_working_set_bytes", "gauge", "Memory in use on the node, without idle cache.") {
            $0.add(usage.workingSetBytes.map(String.init))
        }
        text.family("pod_cpu_usage_seconds_total", "counter", "Processor time that the pod has used.") { family in
            for pod in pods { family.add(seconds(pod.usage.cpuNanoseconds), pod.labels) }
        }
        text.family("pod_memory_working_set_bytes", "gauge", "Memory in use by the pod, without idle cache.") {
            family in
            for pod in pods { family.add(pod.usage.memoryBytes.map(String.init), pod.labels) }
        }
        containerMetrics(&text)
        text.family("resource_scrape_error", "gauge", "1 where the figures could not be read.") { $0.add("0") }
        return text.text
    }

    private func containerMetrics(_ text: inout MetricsText) {
        let all = pods.flatMap { pod in pod.containers.map { ($0, pod.labels(of: $0)) } }
        text.family("container_cpu_usage_seconds_total", "counter", "Processor time that the container has used.") {
            family in
            for (container, labels) in all { family.add(seconds(container.usage.cpuNanoseconds), labels) }
        }
        text.family(
            "container_memory_working_set_bytes", "gauge", "Memory in use by the container, without idle cache."
        ) { family in
            for (container, labels) in all { family.add(container.usage.memoryBytes.map(String.init), labels) }
        }
        text.family("container_start_time_seconds", "gauge", "When the container started, since the epoch.") {
            family in
            for (container, labels) in all {
                family.add(seconds(UInt64(clamping: container.startedAt)), labels)
            }
        }
    }
}

extension NodeStats.Pod {
    fileprivate var labels: [(String, String)] {
        [("namespace", metadata.namespace), ("pod", metadata.name)]
    }

    fileprivate func labels(of container: NodeStats.Container) -> [(String, String)] {
        [("container", container.name)] + labels
    }
}

/// The text format of Prometheus. A family without a value is left out.
private struct MetricsText {
    struct Family {
        let name: String
        let milliseconds: Int64
        var lines: [String] = []

        /// A value that is not known is left out.
        mutating func add(_ value: String?, _ labels: [(String, String)] = []) {
            guard let value else { return }
            let list = labels.map { "\($0.0)=\"\($0.1.escapedLabel)\"" }.joined(separator: ",")
            lines.append("\(name)\(list.isEmpty ? "" : "{\(list)}") \(value) \(milliseconds)\n")
        }
    }

    let milliseconds: Int64
    var text = ""

    init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    mutating func family(_ name: String, _ type: String, _ help: String, _ body: (inout Family) -> Void) {
        var family = Family(name: name, milliseconds: milliseconds)
        body(&family)
        guard !family.lines.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" + family.lines.joined()
    }
}

/// Nanoseconds as seconds, exactly.
private func seconds(_ nanoseconds: UInt64?) -> String? {
    nanoseconds.map { value in
        let digits = String(value % 1_000_000_000)
        return "\(value / 1_000_000_000)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}

extension Timestamp {
    fileprivate var milliseconds: Int64 { seconds &* 1000 &+ Int64(nanoseconds / 1_000_000) }
}

extension String {
    fileprivate var escapedLabel: String {
        var result = ""
        for character in unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
