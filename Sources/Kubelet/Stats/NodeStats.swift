import APIMachinery
import CRI
import KubernetesAPI
import Linux

/// What the node and its pods use at one moment.
package struct NodeStats: Sendable {
    package struct Container: Sendable {
        package var name: String
        package var startedAt: UnixNanoseconds
        package var usage: ContainerStats
        package var id = ""
        package var image = ""

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
        package var interfaces: [InterfaceStats] = []
        /// Where it was asked for.
        var files: PodFiles?

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
    /// The filesystem of images and writable layers, and what images take of it.
    package var imageFilesystem: NodeUsage.Filesystem?
    package var imageBytes: UInt64?
    /// All that the node is short of or not, as evictions see it.
    var signals = EvictionSignals()

    package init(node: String, time: Timestamp, usage: NodeUsage, pods: [Pod]) {
        self.node = node
        self.time = time
        self.usage = usage
        self.pods = pods
    }
}

/// Reads the figures of the node from the kernel, and those of its pods from the runtime.
package struct StatsReader: Sendable {
    let node: String
    let runtime: any RuntimeService
    let images: any ImageService
    let threads: BlockingThreads
    let dataDirectory: String
    /// Nil without a kubelet, as is `fileMeter`: what a node is short of and what its pods store is not told then.
    let meter: (any EvictionMeter)?
    let fileMeter: PodFileMeter?
    /// The pods as the kubelet has them.
    let pods: @Sendable () -> [KubernetesAPI.Pod]
    let time: any TimeSource

    /// What runs now, pods in the order of their names. What ends while it is read is left out.
    /// - Parameter files: also what pods store, not older than a minute.
    package func read(files: Bool = false) async throws(CRIError) -> NodeStats {
        let (directory, images) = (dataDirectory, try? await images.imageFilesystem())
        let read = try? await threads.run("read the node's use") { () throws(KernelError) in
            (NodeUsage.read(dataDirectory: directory), images.flatMap { NodeUsage.Filesystem($0.path) })
        }
        var filter = PodSandboxFilter()
        filter.state = .ready
        let objects = files ? Dictionary(pods().map { ($0.metadata.uid, $0) }, uniquingKeysWith: { $1 }) : [:]
        var found: [NodeStats.Pod] = []
        for sandbox in try await runtime.listPodSandboxes(filter) {
            guard let usage = try? await runtime.podSandboxStats(sandbox.id) else { continue }
            let containers = try await runtime.listContainers(ContainerFilter(sandbox: sandbox.id, state: .running))
            var pod = NodeStats.Pod(
                metadata: sandbox.metadata, startedAt: sandbox.createdAt, usage: usage,
                containers: await self.containers(containers))
            pod.interfaces = (try? await runtime.interfaces(ofSandbox: sandbox.id)) ?? []
            if let object = objects[sandbox.metadata.uid] {
                pod.files = await fileMeter?.recent(object, containers)
            }
            found.append(pod)
        }
        found.sort { ($0.metadata.namespace, $0.metadata.name) < ($1.metadata.namespace, $1.metadata.name) }
        var stats = NodeStats(node: node, time: time.now(), usage: read?.0 ?? NodeUsage(), pods: found)
        stats.imageFilesystem = read?.1
        stats.imageBytes = images?.usedBytes
        if let meter { stats.signals = await meter.signals() }
        return stats
    }

    private func containers(_ statuses: [CRI.ContainerStatus]) async -> [NodeStats.Container] {
        var found: [NodeStats.Container] = []
        for status in statuses {
            guard let usage = try? await runtime.containerStats(status.id) else { continue }
            var container = NodeStats.Container(
                name: status.metadata.name, startedAt: status.startedAt, usage: usage)
            container.id = status.id
            container.image = status.image
            found.append(container)
        }
        return found
    }
}

extension StatsReader {
    /// For a runtime without a kubelet.
    package init(
        node: String, runtime: any RuntimeService, images: any ImageService, threads: BlockingThreads,
        dataDirectory: String, time: any TimeSource
    ) {
        self.init(
            node: node, runtime: runtime, images: images, threads: threads, dataDirectory: dataDirectory, meter: nil,
            fileMeter: nil, pods: { [] }, time: time)
    }
}
