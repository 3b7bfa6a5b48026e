import CRI
import HTTP
import Protobuf

extension CRIEndpoint {
    static let statsCalls: [String: Call] = [
        "ContainerStats": query(containerStats),
        "ListContainerStats": query(listContainerStats),
        "StreamContainerStats": parts(statsOfContainers) { items in
            Message<Wire.ListContainerStatsResponse> { $0.stats = items }
        },
        "PodSandboxStats": query(podSandboxStats),
        "ListPodSandboxStats": query(listPodSandboxStats),
        "StreamPodSandboxStats": parts(statsOfSandboxes) { items in
            Message<Wire.ListPodSandboxStatsResponse> { $0.stats = items }
        },
        "ListMetricDescriptors": query(metricDescriptors),
        "ListPodSandboxMetrics": query(podSandboxMetrics),
        "StreamPodSandboxMetrics": parts(metricsOfSandboxes) { items in
            Message<Wire.ListPodSandboxMetricsResponse> { $0.podMetrics = items }
        },
    ]

    // MARK: Containers

    @Sendable private static func containerStats(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ContainerID>
    ) async throws(CRIError) -> Message<Wire.ContainerStatsResponse> {
        let status = try await endpoint.runtime.containerStatus(endpoint.container(question.containerID))
        let stats = try await endpoint.stats(of: status)
        return Message { $0.stats = stats }
    }

    @Sendable private static func listContainerStats(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListContainerStatsRequest>
    ) async throws(CRIError) -> Message<Wire.ListContainerStatsResponse> {
        let stats = try await statsOfContainers(endpoint, question)
        return Message { $0.stats = stats }
    }

    @Sendable private static func statsOfContainers(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListContainerStatsRequest>
    ) async throws(CRIError) -> [Message<Wire.ContainerStats>] {
        var filter = ContainerFilter(state: .running)
        if let id = question.filter?.id.nonEmpty { filter.id = try await endpoint.container(id) }
        if let id = question.filter?.podSandboxID.nonEmpty { filter.sandbox = try await endpoint.sandbox(id) }
        filter.labels = question.filter?.labelSelector ?? [:]
        return try await endpoint.stats(filter)
    }

    private func stats(_ filter: ContainerFilter) async throws(CRIError) -> [Message<Wire.ContainerStats>] {
        var found: [Message<Wire.ContainerStats>] = []
        for status in try await containersOfPods(filter) {
            do throws(CRIError) {
                found.append(try await stats(of: status))
            } catch .notFound {
                // It has gone since it was listed.
                continue
            }
        }
        return found
    }

    private func stats(of status: ContainerStatus) async throws(CRIError) -> Message<Wire.ContainerStats> {
        let stats = try await runtime.containerStats(status.id)
        // A tree that is too large to be measured leaves the rest as it is.
        let layer = try? await runtime.writableLayer(of: status.id)
        let rate = rates.rate(of: status.id, used: stats.cpuNanoseconds, since: status.startedAt, now: now)
        return stats.wire(of: status, rate: rate, layer: layer, at: now)
    }

    // MARK: Sandboxes

    @Sendable private static func podSandboxStats(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.SandboxID>
    ) async throws(CRIError) -> Message<Wire.PodSandboxStatsResponse> {
        let status = try await endpoint.runtime.podSandboxStatus(endpoint.sandbox(question.podSandboxID))
        let stats = try await endpoint.stats(of: status)
        return Message { $0.stats = stats }
    }

    @Sendable private static func listPodSandboxStats(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListPodSandboxStatsRequest>
    ) async throws(CRIError) -> Message<Wire.ListPodSandboxStatsResponse> {
        let stats = try await statsOfSandboxes(endpoint, question)
        return Message { $0.stats = stats }
    }

    @Sendable private static func statsOfSandboxes(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListPodSandboxStatsRequest>
    ) async throws(CRIError) -> [Message<Wire.PodSandboxStats>] {
        var filter = PodSandboxFilter(state: .ready)
        if let id = question.filter?.id.nonEmpty { filter.id = try await endpoint.sandbox(id) }
        filter.labels = question.filter?.labelSelector ?? [:]
        var found: [Message<Wire.PodSandboxStats>] = []
        for status in try await endpoint.pods(filter) {
            do throws(CRIError) {
                found.append(try await endpoint.stats(of: status))
            } catch .notFound {
                continue
            }
        }
        return found
    }

    private func stats(of status: PodSandboxStatus) async throws(CRIError) -> Message<Wire.PodSandboxStats> {
        let containers = try await stats(ContainerFilter(sandbox: status.id, state: .running))
        let stats = try await runtime.podSandboxStats(status.id)
        let interfaces = try await runtime.interfaces(ofSandbox: status.id)
        let rate = rates.rate(of: status.id, used: stats.cpuNanoseconds, since: status.createdAt, now: now)
        return stats.wire(of: status, rate: rate, interfaces: interfaces, containers: containers, at: now)
    }

    // MARK: Metrics

    @Sendable private static func metricDescriptors(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.Empty>
    ) async throws(CRIError) -> Message<Wire.ListMetricDescriptorsResponse> {
        Message { $0.descriptors = PodMetric.all.map(\.descriptor) }
    }

    @Sendable private static func podSandboxMetrics(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.Empty>
    ) async throws(CRIError) -> Message<Wire.ListPodSandboxMetricsResponse> {
        let metrics = try await metricsOfSandboxes(endpoint, question)
        return Message { $0.podMetrics = metrics }
    }

    @Sendable private static func metricsOfSandboxes(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.Empty>
    ) async throws(CRIError) -> [Message<Wire.PodSandboxMetrics>] {
        var found: [Message<Wire.PodSandboxMetrics>] = []
        for sandbox in try await endpoint.pods(PodSandboxFilter(state: .ready)) {
            do throws(CRIError) {
                found.append(try await endpoint.metrics(of: sandbox))
            } catch .notFound {
                continue
            }
        }
        return found
    }

    private func metrics(of sandbox: PodSandboxStatus) async throws(CRIError) -> Message<Wire.PodSandboxMetrics> {
        let own = MetricSource(
            sandbox: sandbox, stats: try await runtime.podSandboxStats(sandbox.id),
            interfaces: try await runtime.interfaces(ofSandbox: sandbox.id), time: now)
        var containers: [Message<Wire.ContainerMetrics>] = []
        for status in try await runtime.listContainers(ContainerFilter(sandbox: sandbox.id, state: .running)) {
            do throws(CRIError) {
                let source = try await source(of: status, in: sandbox)
                containers.append(
                    Message {
                        $0.containerID = status.id
                        $0.metrics = PodMetric.values(source)
                    })
            } catch .notFound {
                continue
            }
        }
        return Message {
            $0.podSandboxID = sandbox.id
            $0.metrics = PodMetric.values(own)
            $0.containerMetrics = containers
        }
    }

    private func source(
        of status: ContainerStatus, in sandbox: PodSandboxStatus
    ) async throws(CRIError) -> MetricSource {
        let stats = try await runtime.containerStats(status.id)
        var source = MetricSource(sandbox: sandbox, stats: stats, interfaces: [], time: now)
        source.container = status
        source.layer = try? await runtime.writableLayer(of: status.id)
        // One that has ended since it was listed has no processes to count.
        source.tally = try? await runtime.containerTally(status.id)
        return source
    }
}
