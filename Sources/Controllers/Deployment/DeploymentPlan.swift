import APIMachinery
import Client
import KubernetesAPI

/// What to do next so that a Deployment's ReplicaSets come to what it wants. One step at a time: each change of a ReplicaSet brings the next
/// call, so at no time are more pods made, or fewer left, than the bounds allow.
package struct DeploymentPlan: Sendable {
    package enum Action: Sendable, Hashable {
        case adopt(ReplicaSet)
        case release(ReplicaSet)
        /// Where the name is taken by another template, `collided` follows instead.
        case create(ReplicaSet)
        case update(ReplicaSet)
        case delete(ReplicaSet)
        /// Writes the revision into the Deployment's annotations.
        case setRevision(Int64)
        case updateStatus(DeploymentStatus)
        case event(EventType, reason: String, message: String)
    }

    /// In the order in which they are to be carried out; after a failure the rest is left for the next call.
    package private(set) var actions: [Action] = []
    /// When to look again though nothing changed: the progress deadline.
    package private(set) var nextLook: Timestamp?

    /// - Parameters:
    ///   - sets: all ReplicaSets of the namespace.
    ///   - pods: pods of the Deployment's ReplicaSets, which Recreate waits for.
    package init(for deployment: Deployment, sets: [ReplicaSet], pods: [Pod], now: Timestamp) {
        let claim = Claim(sets, selector: deployment.spec.selector, owner: deployment.metadata)
        actions += claim.orphans.map(Action.adopt) + claim.strays.map(Action.release)
        // Ownership first: what comes of it is a new version of the set, and the next call.
        guard actions.isEmpty else { return }
        var rollout = Rollout(deployment, claim.owned)
        var progress = RolloutProgress(deployment, now: now)
        let isLiving = deployment.metadata.deletionTimestamp == nil
        let isRolling = isLiving && !deployment.spec.paused && !rollout.isScaling
        if isLiving {
            progress.notePause()
            rollout.advanceRevision(&progress, mayCreate: false)
        }
        if isRolling {
            rollout.advance(&progress, pods: pods)
        } else if isLiving {
            rollout.scale()
            if deployment.spec.paused { rollout.cleanUp() }
        }
        let status = progress.status(rollout, isRolling: isRolling)
        actions += rollout.actions
        if status != deployment.status { actions.append(.updateStatus(status)) }
        nextLook = isRolling ? progress.deadline(status) : nil
    }
}
