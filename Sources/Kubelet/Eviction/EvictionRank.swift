import APIMachinery
import KubernetesAPI

/// In which order pods are evicted, as Kubernetes does it: those first that use more than they asked for, then by priority, then by how much more
/// they use. Pure.
enum EvictionRank {
    /// - Parameter hasImageFilesystem: then what counts for a signal of the disk is only what lies on its filesystem.
    /// - Returns: those that may be evicted, the first to go first. Critical pods are not among them.
    static func order(
        _ pods: [PodUsage], for signal: EvictionSignal, hasImageFilesystem: Bool = false
    ) -> [PodUsage] {
        let candidates = pods.filter { !$0.pod.isCritical }.map { pod in
            (pod, Rank(pod, signal, hasImageFilesystem: hasImageFilesystem))
        }
        return candidates.sorted { $0.1 < $1.1 }.map(\.0)
    }

    /// What `signal` counts of a pod's use; nil where it is not known.
    static func use(of pod: PodUsage, _ signal: EvictionSignal, hasImageFilesystem: Bool) -> Int64? {
        let files = pod.files.map { files in
            guard hasImageFilesystem else { return files.total }
            return [.imageDisk, .imageInodes].contains(signal) ? files.layers : files.logsAndVolumes
        }
        switch signal {
        case .memory, .allocatableMemory: return pod.memory
        case .processes: return pod.processes
        case .disk, .imageDisk: return files.flatMap { $0.isComplete ? Int64(clamping: $0.bytes) : nil }
        case .inodes, .imageInodes: return files.flatMap { $0.isComplete ? Int64(clamping: $0.inodes) : nil }
        }
    }
}

/// The place of one pod: less goes first.
private struct Rank: Comparable {
    /// 0: what it uses is not known; 1: more than it asked for; 2: not more.
    private let group: Int
    private let priority: Int32
    private let excess: Int64
    /// So that the order is the same each time.
    private let name: String

    init(_ usage: PodUsage, _ signal: EvictionSignal, hasImageFilesystem: Bool) {
        let use = EvictionRank.use(of: usage, signal, hasImageFilesystem: hasImageFilesystem)
        let request = usage.pod.spec.request(signal)
        let known = use ?? 0
        // Of processes nothing is asked for: there only priority and number count.
        group = use == nil ? 0 : signal == .processes || known > request ? 1 : 2
        priority = usage.pod.spec.priority ?? 0
        excess = known.subtractingReportingOverflow(request).partialValue
        name = "\(usage.pod.metadata.namespace)/\(usage.pod.metadata.name)"
    }

    static func < (left: Rank, right: Rank) -> Bool {
        (left.group, left.priority, right.excess, left.name) < (right.group, right.priority, left.excess, right.name)
    }
}

extension PodSpec {
    /// What the pod asked for of the signal's resource; nothing where one cannot ask for it.
    fileprivate func request(_ signal: EvictionSignal) -> Int64 {
        switch signal {
        case .memory, .allocatableMemory, .disk, .imageDisk: max(0, self.totalRequests[signal.resource]?.value ?? 0)
        case .inodes, .imageInodes, .processes: 0
        }
    }
}
