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
    var labels: [(String, String)] {
        [("namespace", metadata.namespace), ("pod", metadata.name)]
    }

    func labels(of container: NodeStats.Container) -> [(String, String)] {
        [("container", container.name)] + labels
    }
}
