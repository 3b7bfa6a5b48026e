import APIMachinery
import KubernetesAPI

extension Rollout {
    /// The Deployment was scaled since its ReplicaSets were: they are brought in line before the roll-out goes on.
    var isScaling: Bool {
        all.contains { set in
            guard set.spec.replicas > 0,
                let desired = set.metadata.annotations[RevisionAnnotations.desired].flatMap({ Int($0) })
            else { return false }
            return desired != bounds.replicas
        }
    }

    /// Gives the current set the newest revision, and makes it where it is missing and `mayCreate`.
    mutating func advanceRevision(_ progress: inout RolloutProgress, mayCreate: Bool) {
        let newest = old.map { RevisionAnnotations.revision(of: $0.metadata.annotations) }.max() ?? 0
        let annotations = deployment.metadata.annotations
        if let set = current {
            let own = RevisionAnnotations.revision(of: set.metadata.annotations)
            let revision = own > newest ? own : RevisionAnnotations.next(newest)
            var changed = set
            changed.metadata.annotations = RevisionAnnotations.advanced(
                set.metadata.annotations, from: annotations, to: revision)
            if set.spec.minReadySeconds != deployment.spec.minReadySeconds {
                changed.spec.minReadySeconds = deployment.spec.minReadySeconds
            }
            if changed != set {
                add(.update(changed))
                current = changed
            }
            setRevision(revision)
            progress.noteFound(set.metadata.name)
        } else if mayCreate {
            create(revision: RevisionAnnotations.next(newest), &progress)
        }
    }

    private mutating func setRevision(_ revision: Int64) {
        guard RevisionAnnotations.revision(of: deployment.metadata.annotations) != revision else { return }
        add(.setRevision(revision))
    }

    private mutating func create(revision: Int64, _ progress: inout RolloutProgress) {
        let hash = PodTemplateHash.text(deployment.spec.template, collisions: deployment.status.collisionCount)
        var set = ReplicaSet(name: "\(deployment.metadata.name)-\(hash)", namespace: deployment.metadata.namespace)
        var template = deployment.spec.template.withoutHash
        template.metadata.labels[PodTemplateHash.label] = hash
        var selector = deployment.spec.selector
        selector.matchLabels[PodTemplateHash.label] = hash
        set.metadata.labels = template.metadata.labels
        set.metadata.ownerReferences = [deployment.controllerReference()]
        let annotations = RevisionAnnotations.advanced([:], from: deployment.metadata.annotations, to: revision)
        set.metadata.annotations = RevisionAnnotations.sized(
            annotations, desired: bounds.replicas, maximum: bounds.most)
        set.spec.template = template
        set.spec.selector = selector
        set.spec.minReadySeconds = deployment.spec.minReadySeconds
        // Absent would read as one.
        set.spec.replicas = 0
        current = set
        set.spec.replicas = Int32(clamping: currentTarget)
        current = set
        add(.create(set))
        if set.spec.replicas > 0 {
            add(
                .event(
                    .normal, reason: "ScalingReplicaSet",
                    message: "Scaled up replica set \(set.metadata.name) from 0 to \(set.spec.replicas)"))
        }
        setRevision(revision)
        progress.noteCreated(set.metadata.name)
    }

    /// One step of the roll-out.
    mutating func advance(_ progress: inout RolloutProgress, pods: [Pod]) {
        if deployment.spec.strategy.type == "Recreate" {
            recreate(&progress, pods: pods)
        } else {
            roll(&progress)
        }
    }

    /// One step of a rolling update: first the current set grows as far as it may, else the old ones shrink as far as they may.
    private mutating func roll(_ progress: inout RolloutProgress) {
        if current == nil {
            advanceRevision(&progress, mayCreate: true)
            return
        }
        let size = Int(current?.spec.replicas ?? 0)
        let target = size > bounds.replicas ? bounds.replicas : currentTarget
        guard target == size else { return scaleCurrent(to: target) }
        guard !shrinkOld() else { return }
        if progress.isComplete { cleanUp() }
    }

    /// Unhealthy pods of old sets first: they serve nobody. Whether anything changed.
    private mutating func shrinkOld() -> Bool {
        guard oldTotal > 0, let current else { return false }
        let missing = max(0, Int(current.spec.replicas) - Int(current.status.availableReplicas))
        let most = total - bounds.fewest - missing
        guard most > 0 else { return false }
        let before = oldTotal
        var removed = 0
        for index in old.indices where removed < most {
            let size = Int(old[index].spec.replicas)
            let unhealthy = max(0, size - Int(old[index].status.availableReplicas))
            let share = min(most - removed, unhealthy)
            guard size > 0, share > 0 else { continue }
            scaleOld(index, to: size - share)
            removed += share
        }
        shrinkAvailable()
        return oldTotal != before
    }

    private mutating func shrinkAvailable() {
        var spare = available - bounds.fewest
        for index in old.indices where spare > 0 {
            let size = Int(old[index].spec.replicas)
            guard size > 0 else { continue }
            let share = min(size, spare)
            scaleOld(index, to: size - share)
            spare -= share
        }
    }

    /// One step of Recreate: all old pods go, then the new ones come.
    private mutating func recreate(_ progress: inout RolloutProgress, pods: [Pod]) {
        let before = oldTotal
        for index in old.indices where old[index].spec.replicas > 0 { scaleOld(index, to: 0) }
        guard before == 0, !areOldPodsLeft(pods) else { return }
        if current == nil { return advanceRevision(&progress, mayCreate: true) }
        scaleCurrent(to: bounds.replicas)
        if progress.isComplete { cleanUp() }
    }

    private func areOldPodsLeft(_ pods: [Pod]) -> Bool {
        if old.contains(where: { $0.status.replicas > 0 }) { return true }
        let oldIDs = Set(old.map { $0.metadata.uid })
        return pods.contains { pod in
            pod.metadata.controller.map { oldIDs.contains($0.uid) } ?? false && !pod.isFinished
        }
    }

    /// Deletes old sets beyond the history limit, lowest revision first, unless they still have pods.
    mutating func cleanUp() {
        let limit = Int(deployment.spec.revisionHistoryLimit)
        let alive = old.filter { $0.metadata.deletionTimestamp == nil }
        guard alive.count > limit else { return }
        let byRevision = alive.sorted {
            RevisionAnnotations.revision(of: $0.metadata.annotations)
                < RevisionAnnotations.revision(of: $1.metadata.annotations)
        }
        for set in byRevision.prefix(alive.count - limit) {
            let isObserved = set.metadata.generation <= set.status.observedGeneration
            guard set.status.replicas == 0, set.spec.replicas == 0, isObserved else { continue }
            add(.delete(set))
        }
    }
}
