import APIMachinery
import KubernetesAPI

/// What a controller did that its view of the cluster does not show yet, so that it never makes or deletes a pod twice.
///
/// A pod that was created counts until the view has reached the version it was created at: from then on the view knows better, also where
/// the pod is gone again. A deletion counts until the view shows it. Holds at most what one reconciler did within the view's lag.
struct PodOverlay: Sendable {
    private var created: [(version: UInt64, pod: Pod)] = []
    private var deleted: Set<String> = []

    var isEmpty: Bool { created.isEmpty && deleted.isEmpty }

    mutating func didCreate(_ pod: Pod) {
        guard let version = UInt64(pod.metadata.resourceVersion) else { return }
        created.append((version, pod))
    }

    mutating func didDelete(uid: String) {
        deleted.insert(uid)
    }

    /// The pods of the view with what was done since. `version` is the newest version that the view has seen.
    mutating func apply(to view: [Pod], at version: UInt64) -> [Pod] {
        created.removeAll { $0.version <= version }
        guard !created.isEmpty || !deleted.isEmpty else { return view }
        var pods = view
        var known = Set(view.map { $0.metadata.uid })
        for (_, pod) in created where known.insert(pod.metadata.uid).inserted { pods.append(pod) }
        deleted.formIntersection(known)
        return pods.map { pod in
            guard deleted.contains(pod.metadata.uid) else { return pod }
            if pod.metadata.deletionTimestamp != nil {
                deleted.remove(pod.metadata.uid)
                return pod
            }
            var ending = pod
            ending.metadata.deletionTimestamp = pod.metadata.creationTimestamp ?? .epoch
            return ending
        }
    }
}
