import APIMachinery
import KubernetesAPI

/// The ReplicaSets of one Deployment while a plan is made: their sizes as they will be after the actions planned so far.
struct Rollout: Sendable {
    let deployment: Deployment
    let bounds: RolloutBounds
    /// The one with the current template.
    var current: ReplicaSet?
    /// The others, oldest first.
    var old: [ReplicaSet]
    private(set) var actions: [DeploymentPlan.Action] = []

    init(_ deployment: Deployment, _ sets: [ReplicaSet]) {
        self.deployment = deployment
        bounds = RolloutBounds(deployment.spec)
        let template = deployment.spec.template
        let byAge = sets.sorted { left, right in
            let ages = (left.metadata.creationTimestamp ?? .epoch, right.metadata.creationTimestamp ?? .epoch)
            return ages.0 == ages.1 ? left.metadata.name < right.metadata.name : ages.0 < ages.1
        }
        // Where several have the template, the oldest: all who ask must agree.
        current = byAge.first { $0.spec.template.isSame(as: template) }
        let currentID = current?.metadata.uid
        old = byAge.filter { $0.metadata.uid != currentID }
    }

    var all: [ReplicaSet] { old + (current.map { [$0] } ?? []) }

    /// Pods wanted of all sets together.
    var total: Int { all.reduce(0) { $0 + Int($1.spec.replicas) } }
    var oldTotal: Int { old.reduce(0) { $0 + Int($1.spec.replicas) } }
    var available: Int { all.reduce(0) { $0 + Int($1.status.availableReplicas) } }

    /// Of several updates of one set the last says it all, and only one write carries the version read.
    mutating func add(_ action: DeploymentPlan.Action) {
        if case .update(let new) = action {
            actions.removeAll { earlier in
                if case .update(let set) = earlier { set.metadata.uid == new.metadata.uid } else { false }
            }
        }
        actions.append(action)
    }

    /// The size that the current set may have now.
    var currentTarget: Int {
        let size = Int(current?.spec.replicas ?? 0)
        guard deployment.spec.strategy.type == "RollingUpdate" else { return bounds.replicas }
        guard total < bounds.most else { return size }
        return size + min(bounds.most - total, max(0, bounds.replicas - size))
    }

    mutating func scaleCurrent(to size: Int) {
        guard let set = current else { return }
        current = scaled(set, to: size)
    }

    mutating func scaleOld(_ index: Int, to size: Int) {
        guard old.indices.contains(index) else { return }
        old[index] = scaled(old[index], to: size)
    }

    /// Plans the change of size, and of the annotations that say what it was made for.
    private mutating func scaled(_ set: ReplicaSet, to size: Int) -> ReplicaSet {
        var changed = set
        changed.metadata.annotations = RevisionAnnotations.sized(
            set.metadata.annotations, desired: bounds.replicas, maximum: bounds.most)
        changed.spec.replicas = Int32(clamping: size)
        guard changed != set else { return set }
        add(.update(changed))
        let before = set.spec.replicas
        if before != changed.spec.replicas {
            let direction = before < changed.spec.replicas ? "up" : "down"
            actions.append(
                .event(
                    .normal, reason: "ScalingReplicaSet",
                    message: "Scaled \(direction) replica set \(set.metadata.name) from \(before) to \(size)"))
        }
        return changed
    }
}
