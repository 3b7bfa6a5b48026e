import APIMachinery
import KubernetesAPI
import Linux

/// What a pod that runs uses. Nil where this host does not count it, or it could not be measured.
struct PodUsage: Sendable, Hashable {
    var pod: Pod
    /// The working set of the whole pod, in bytes.
    var memory: Int64?
    var processes: Int64?
    /// The working sets of its containers, in bytes, by their names.
    var containerMemory: [String: Int64] = [:]
    var files: PodFiles?

    init(_ pod: Pod) {
        self.pod = pod
    }
}

/// What the files of a pod take up.
struct PodFiles: Sendable, Hashable {
    struct Container: Sendable, Hashable {
        /// Of what it wrote into its root filesystem.
        var layer: TreeUsage
        var logs: TreeUsage

        var total: TreeUsage { layer + logs }
    }

    /// Those that run, by their names.
    var containers: [String: Container] = [:]
    /// emptyDir volumes that are not memory, by their names.
    var volumes: [String: TreeUsage] = [:]

    var total: TreeUsage { layers + logsAndVolumes }
    var layers: TreeUsage { containers.values.map(\.layer).reduce(TreeUsage(), +) }
    var logsAndVolumes: TreeUsage { (containers.values.map(\.logs) + volumes.values).reduce(TreeUsage(), +) }
}

extension Pod {
    /// A node keeps an eye on what the pod stores: it sets a limit.
    var hasStorageLimit: Bool {
        self.spec.volumes.contains { $0.storageLimit != nil }
            || (self.spec.containers + self.spec.initContainers).contains { $0.storageLimit != nil }
            || self.spec.resources?.limits["ephemeral-storage"] != nil
    }
}

extension Volume {
    /// Of an emptyDir on disk; one in memory is held to its size by the kernel.
    var storageLimit: Quantity? {
        guard let source = self.emptyDir, source.medium != "Memory", let limit = source.sizeLimit, limit > .zero else {
            return nil
        }
        return limit
    }

    var isEmptyDirectoryOnDisk: Bool { isEmptyDirectory && self.emptyDir?.medium != "Memory" }
}

extension Container {
    var storageLimit: Quantity? { self.resources?.limits["ephemeral-storage"] }
}
