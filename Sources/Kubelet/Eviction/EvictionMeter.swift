import APIMachinery
import CRI
import Glibc
import KubernetesAPI
import Linux

/// Where the figures come from that evictions are decided by, and what frees room without ending a pod.
protocol EvictionMeter: Sendable {
    /// Cheap: it is asked every few seconds.
    func signals() async -> EvictionSignals
    /// Of those of `pods` that run.
    /// - Parameter files: also what they store, which walks their files.
    func usage(of pods: [Pod], files: Bool) async -> [PodUsage]
    /// Removes containers and logs that nobody needs, and images that no pod uses.
    func reclaim(_ pods: [Pod]) async
    /// Yields when the kernel sees tasks held up for want of memory; nil where it cannot tell.
    func alarms() -> AsyncStream<Void>?
}

/// The figures of this machine.
struct NodeMeter: EvictionMeter {
    let runtime: any RuntimeService
    let images: any ImageService
    let threads: BlockingThreads
    let events: EventThread
    let files: PodFileMeter
    let space: SpaceReclaimer
    let dataDirectory: String
    /// The cgroup of all pods, absolute; empty where nobody knows it.
    let podCgroup: String

    func signals() async -> EvictionSignals {
        let (data, group) = (dataDirectory, podCgroup)
        let imageDirectory = (try? await images.imageFilesystem())?.path
        let signals = try? await threads.run("read what is left on the node") { () throws(KernelError) in
            var readings = NodeSignals(
                node: NodeUsage.read(dataDirectory: data), images: imageDirectory.flatMap(NodeUsage.Filesystem.init))
            readings.loadAverage = FileOperations.text("/proc/loadavg")
            readings.processLimits = ["pid_max", "threads-max"].map { FileOperations.text("/proc/sys/kernel/\($0)") }
            if !group.isEmpty {
                readings.podMemory = ["memory.current", "memory.stat", "memory.max"].map {
                    FileOperations.text("\(group)/\($0)")
                }
            }
            return readings.signals
        }
        return signals ?? EvictionSignals()
    }

    func usage(of pods: [Pod], files: Bool) async -> [PodUsage] {
        let ready = (try? await runtime.listPodSandboxes(PodSandboxFilter(state: .ready))) ?? []
        let byUID = Dictionary(ready.map { ($0.metadata.uid, $0.id) }, uniquingKeysWith: { $1 })
        var found: [PodUsage] = []
        for pod in pods {
            guard let sandbox = byUID[pod.metadata.uid] else { continue }
            found.append(await usage(of: pod, sandbox, files: files))
        }
        return found
    }

    private func usage(of pod: Pod, _ sandbox: String, files: Bool) async -> PodUsage {
        var usage = PodUsage(pod)
        let stats = try? await runtime.podSandboxStats(sandbox)
        usage.memory = stats?.memoryBytes.map { Int64(clamping: $0) }
        usage.processes = stats?.processes.map { Int64(clamping: $0) }
        let filter = ContainerFilter(sandbox: sandbox, state: .running)
        let containers = (try? await runtime.listContainers(filter)) ?? []
        for container in containers {
            let bytes = (try? await runtime.containerStats(container.id))?.memoryBytes
            if let bytes { usage.containerMemory[container.metadata.name] = Int64(clamping: bytes) }
        }
        if files { usage.files = await self.files.measure(pod, containers) }
        return usage
    }

    func reclaim(_ pods: [Pod]) async {
        await space.reclaim(pods)
    }

    func alarms() -> AsyncStream<Void>? {
        do throws(KernelError) {
            return try PressureTrigger.alarms("/proc/pressure/memory", stall: .milliseconds(100), events: events)
        } catch {
            return nil
        }
    }
}

/// The kernel's texts as signals. Pure.
struct NodeSignals: Sendable {
    var node: NodeUsage
    var images: NodeUsage.Filesystem?
    var loadAverage = ""
    var processLimits: [String] = []
    /// `memory.current`, `memory.stat` and `memory.max` of all pods' cgroup.
    var podMemory: [String] = []

    init(node: NodeUsage, images: NodeUsage.Filesystem?) {
        self.node = node
        self.images = images
    }

    var signals: EvictionSignals {
        var signals = EvictionSignals()
        if let capacity = node.memoryCapacity, let used = node.workingSetBytes {
            signals.readings[.memory] = SignalReading(used: used, of: capacity)
        }
        signals.readings[.allocatableMemory] = allocatable
        if let disk = node.filesystem {
            signals.readings[.disk] = disk.space
            signals.readings[.inodes] = disk.entries
        }
        if let images {
            signals.readings[.imageDisk] = images.space
            signals.readings[.imageInodes] = images.entries
            signals.hasImageFilesystem = node.filesystem.map { $0.device != images.device } ?? false
        }
        signals.readings[.processes] = processes
        return signals
    }

    private var allocatable: SignalReading? {
        guard podMemory.count == 3, let current = Self.number(podMemory[0]), let limit = Self.number(podMemory[2])
        else {
            return nil
        }
        let line = podMemory[1].split(separator: "\n").first { $0.hasPrefix("inactive_file ") }
        let cache = line.flatMap { UInt64($0.dropFirst("inactive_file ".count)) } ?? 0
        return SignalReading(used: current > cache ? current - cache : 0, of: limit)
    }

    /// The fourth word of /proc/loadavg is `running/all` (proc_loadavg(5)).
    private var processes: SignalReading? {
        let words = loadAverage.split(whereSeparator: \.isWhitespace)
        guard words.count > 3, let all = words[3].split(separator: "/").last.flatMap({ UInt64($0) }),
            let limit = processLimits.compactMap(Self.number).min()
        else { return nil }
        return SignalReading(used: all, of: limit)
    }

    private static func number(_ text: String) -> UInt64? {
        UInt64(text.filter { !$0.isWhitespace })
    }
}

extension SignalReading {
    init(used: UInt64, of capacity: UInt64) {
        self.init(
            available: Int64(clamping: capacity > used ? capacity - used : 0), capacity: Int64(clamping: capacity))
    }
}

extension NodeUsage.Filesystem {
    fileprivate var space: SignalReading {
        SignalReading(available: Int64(clamping: availableBytes), capacity: Int64(clamping: capacityBytes))
    }

    /// nil on a filesystem that makes them as it needs them.
    fileprivate var entries: SignalReading? {
        guard inodes > 0 else { return nil }
        return SignalReading(available: Int64(clamping: inodesFree), capacity: Int64(clamping: inodes))
    }
}
