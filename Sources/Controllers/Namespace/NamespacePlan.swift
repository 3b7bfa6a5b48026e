import APIMachinery
import KubernetesAPI

/// What to do with a namespace that is being deleted, after its contents were asked to go.
package struct NamespacePlan: Sendable {
    package enum Action: Sendable, Hashable {
        /// Nothing is left: let the namespace go.
        case finalize
        case updateStatus(NamespaceStatus)
    }

    package let actions: [Action]

    /// The finalizer that stands for the namespace's contents.
    static let finalizer = "kubernetes"

    /// - Parameters:
    ///   - remaining: how many objects of each resource are left, by the resource's name.
    ///   - failures: what could not be deleted.
    package init(for namespace: Namespace, remaining: [String: Int], failures: [String], now: Timestamp) {
        guard namespace.metadata.deletionTimestamp != nil, namespace.spec.finalizers.contains(Self.finalizer) else {
            actions = []
            return
        }
        let left = remaining.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        guard !left.isEmpty || !failures.isEmpty else {
            actions = [.finalize]
            return
        }
        var status = namespace.status
        let texts = left.map { "\($0.key) has \($0.value) resource instances" }
        status.conditions = Self.updated(
            status.conditions,
            [
                (
                    "NamespaceDeletionContentFailure", failures.isEmpty ? "ContentDeleted" : "ContentDeletionFailed",
                    failures.isEmpty
                        ? "All content successfully deleted, may be waiting on finalization"
                        : "Failed to delete all resource types: \(failures.joined(separator: ", "))", !failures.isEmpty
                ),
                (
                    "NamespaceContentRemaining", left.isEmpty ? "ContentRemoved" : "SomeResourcesRemain",
                    left.isEmpty
                        ? "All content successfully removed"
                        : "Some resources are remaining: \(texts.joined(separator: ", "))", !left.isEmpty
                ),
            ], now)
        actions = status == namespace.status ? [] : [.updateStatus(status)]
    }

    private static func updated(
        _ conditions: [NamespaceCondition], _ news: [(type: String, reason: String, message: String, holds: Bool)],
        _ now: Timestamp
    ) -> [NamespaceCondition] {
        var conditions = conditions
        for new in news {
            let status = new.holds ? "True" : "False"
            let old = conditions.first { $0.type == new.type }
            if let old, old.status == status, old.message == new.message { continue }
            conditions.removeAll { $0.type == new.type }
            conditions.append(
                NamespaceCondition {
                    $0.type = new.type
                    $0.status = status
                    $0.reason = new.reason
                    $0.message = new.message
                    $0.lastTransitionTime = old?.status == status ? old?.lastTransitionTime : now.truncatedToSeconds
                })
        }
        return conditions
    }
}
