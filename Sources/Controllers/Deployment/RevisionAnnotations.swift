import APIMachinery
import KubernetesAPI

/// The annotations by which a Deployment and its ReplicaSets keep revisions and sizes; `kubectl rollout` reads them.
enum RevisionAnnotations {
    static let revision = "deployment.kubernetes.io/revision"
    static let history = "deployment.kubernetes.io/revision-history"
    static let desired = "deployment.kubernetes.io/desired-replicas"
    static let maximum = "deployment.kubernetes.io/max-replicas"

    /// Not handed down from the Deployment to its ReplicaSets.
    private static let own: Set = [
        "kubectl.kubernetes.io/last-applied-configuration", revision, history, desired, maximum,
        "deprecated.deployment.rollback.to",
    ]
    /// The history of one ReplicaSet is cut from the front beyond this many bytes.
    private static let historyLimit = 2_000

    static func revision(of annotations: [String: String]) -> Int64 {
        annotations[revision].flatMap { Int64($0) } ?? 0
    }

    /// The largest number has no next: annotations are anyone's to write.
    static func next(_ revision: Int64) -> Int64 {
        revision == .max ? revision : revision + 1
    }

    /// The annotations of the current ReplicaSet at this revision: those of the Deployment and its own. An older revision of the same
    /// template moves into the history.
    static func advanced(
        _ annotations: [String: String], from deployment: [String: String], to newRevision: Int64
    ) -> [String: String] {
        var result = annotations
        for (key, value) in deployment where !own.contains(key) { result[key] = value }
        let old = annotations[revision] ?? ""
        guard revision(of: annotations) < newRevision else { return result }
        result[revision] = String(newRevision)
        guard !old.isEmpty else { return result }
        var past = (annotations[history] ?? "").split(separator: ",").map(String.init) + [old]
        while past.joined(separator: ",").utf8.count > historyLimit { past.removeFirst() }
        result[history] = past.joined(separator: ",")
        return result
    }

    static func sized(_ annotations: [String: String], desired count: Int, maximum most: Int) -> [String: String] {
        var result = annotations
        result[desired] = String(count)
        result[maximum] = String(most)
        return result
    }
}
