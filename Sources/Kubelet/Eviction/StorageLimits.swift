import APIMachinery
import KubernetesAPI
import Linux

/// What pods may store on the node's disk: the limits of emptyDir volumes, of containers, and of the pod as a whole. Pure.
enum StorageLimits {
    /// Why the pod must go; nil where it keeps its limits, or what it stores is not known.
    static func violation(_ usage: PodUsage) -> String? {
        guard let files = usage.files else { return nil }
        let spec = usage.pod.spec
        for volume in spec.volumes {
            guard let limit = volume.storageLimit, let used = files.volumes[volume.name] else { continue }
            if used.exceeds(limit) {
                return "Usage of EmptyDir volume \"\(volume.name)\" exceeds the limit \"\(limit)\". "
            }
        }
        if let limit = spec.totalLimits["ephemeral-storage"], files.total.exceeds(limit) {
            return "Pod ephemeral local storage usage exceeds the total limit of containers \(limit). "
        }
        for container in spec.initContainers + spec.containers {
            guard let limit = container.storageLimit, let used = files.containers[container.name] else { continue }
            if used.total.exceeds(limit) {
                return "Container \(container.name) exceeded its local ephemeral storage limit \"\(limit)\". "
            }
        }
        return nil
    }
}

extension TreeUsage {
    fileprivate func exceeds(_ limit: Quantity) -> Bool {
        Quantity(Int64(clamping: bytes)) > limit
    }
}
