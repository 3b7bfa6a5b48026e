import APIMachinery
import CRI
import Linux

/// What the node and its pods use at one moment.
package struct NodeStats: Sendable {
    package struct Container: Sendable {
        package var name: String
        package var startedAt: UnixNanoseconds
        package var usage: ContainerStats

        package init(name: String, startedAt: UnixNanoseconds, usage: ContainerStats) {
            self.name = name
            self.startedAt = startedAt
            self.usage = usage
        }
    }

    package struct Pod: Sendable {
        package var metadata: PodSandboxMetadata
        package var startedAt: UnixNanoseconds
        /// Of the pod's whole cgroup.
        package var usage: ContainerStats
        package var containers: [Container]

        package init(
            metadata: PodSandboxMetadata, startedAt: UnixNanoseconds, usage: ContainerStats, containers: [Container]
        ) {
            self.metadata = metadata
            self.startedAt = startedAt
            self.usage = usage
            self.containers = containers
        }
    }

    package var node: String
    package var time: Timestamp
    package var usage: NodeUsage
    package var pods: [Pod]

    package init(node: String, time: Timestamp, usage: NodeUsage, pods: [Pod]) {
        self.node = node
        self.time = time
        self.usage = usage
        self.pods = pods
    }
}

/// Reads the figures of the node from the kernel, and those of its pods from the runtime.
struct StatsReader: Sendable {
    let node: String
    let runtime: any RuntimeService
    let threads: BlockingThreads
    let dataDirectory: String
    let time: any TimeSource

    /// What runs now, pods in the order of their names. What ends while it is read is left out.
    func read() async throws(CRIError) -> NodeStats {
        let directory = dataDirectory
        let usage = try? await threads.run("read the node's use") { () throws(KernelError) in
            NodeUsage.read(dataDirectory: directory)
        }
        var filter = PodSandboxFilter()
        filter.state = .ready
        var pods: [NodeStats.Pod] = []
        for sandbox in try await runtime.listPodSandboxes(filter) {
            guard let usage = try? await runtime.podSandboxStats(sandbox.id) else { continue }
            pods.append(
                NodeStats.Pod(
                    metadata: sandbox.metadata, startedAt: sandbox.createdAt, usage: usage,
                    containers: try await containers(of: sandbox.id)))
        }
        pods.sort { ($0.metadata.namespace, $0.metadata.name) < ($1.metadata.namespace, $1.metadata.name) }
        return NodeStats(node: node, time: time.now(), usage: usage ?? NodeUsage(), pods: pods)
    }

    private func containers(of sandbox: String) async throws(CRIError) -> [NodeStats.Container] {
        var found: [NodeStats.Container] = []
        for status in try await runtime.listContainers(ContainerFilter(sandbox: sandbox, state: .running)) {
            guard let usage = try? await runtime.containerStats(status.id) else { continue }
            found.append(
                NodeStats.Container(name: status.metadata.name, startedAt: status.startedAt, usage: usage))
        }
        return found
    }
}
