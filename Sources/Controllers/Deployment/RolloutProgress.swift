import APIMachinery
import KubernetesAPI

/// The conditions of a Deployment while a plan is made.
struct RolloutProgress: Sendable {
    private let deployment: Deployment
    private let now: Timestamp
    private var conditions: [DeploymentCondition]

    init(_ deployment: Deployment, now: Timestamp) {
        self.deployment = deployment
        self.now = now
        conditions = deployment.status.conditions
    }

    private var hasDeadline: Bool { deployment.spec.progressDeadlineSeconds != Int32.max }

    private subscript(_ type: String) -> DeploymentCondition? {
        conditions.first { $0.type == type }
    }

    /// The roll-out was over when the status was last written.
    var isComplete: Bool { isComplete(deployment.status) }

    private func isComplete(_ status: DeploymentStatus) -> Bool {
        let replicas = deployment.spec.replicas
        return status.updatedReplicas == replicas && status.replicas == replicas
            && status.availableReplicas == replicas && status.observedGeneration >= deployment.metadata.generation
    }

    mutating func notePause() {
        guard hasDeadline else { return }
        let reason = self["Progressing"]?.reason
        // A roll-out that failed stays failed.
        if reason == "ProgressDeadlineExceeded" { return }
        if deployment.spec.paused, reason != "DeploymentPaused" {
            set("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        } else if !deployment.spec.paused, reason == "DeploymentPaused" {
            set("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        }
    }

    mutating func noteFound(_ name: String) {
        guard hasDeadline, self["Progressing"] == nil else { return }
        set("Progressing", "True", "FoundNewReplicaSet", "Found new replica set \"\(name)\"")
    }

    mutating func noteCreated(_ name: String) {
        guard hasDeadline else { return }
        set("Progressing", "True", "NewReplicaSetCreated", "Created new replica set \"\(name)\"")
    }

    /// A condition whose status and reason are as before stays as it is, time included.
    private mutating func set(_ type: String, _ status: String, _ reason: String, _ message: String) {
        let old = self[type]
        if let old, old.status == status, old.reason == reason { return }
        replace(type, status, reason, message, transition: old?.status == status ? old?.lastTransitionTime : nil)
    }

    private mutating func replace(
        _ type: String, _ status: String, _ reason: String, _ message: String, transition: Timestamp?
    ) {
        conditions.removeAll { $0.type == type }
        conditions.append(
            DeploymentCondition { condition in
                condition.type = type
                condition.status = status
                condition.reason = reason
                condition.message = message
                condition.lastUpdateTime = now.truncatedToSeconds
                condition.lastTransitionTime = transition ?? now.truncatedToSeconds
            })
    }

    /// The status after the plan. `isRolling` is false where only sizes are brought in line: progress is not judged then.
    mutating func status(_ rollout: Rollout, isRolling: Bool) -> DeploymentStatus {
        var status = counts(rollout)
        if status.availableReplicas >= Int32(clamping: rollout.bounds.fewest) {
            set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            set(
                "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        }
        if isRolling {
            judge(status, rollout)
            takeOverFailure(rollout)
        }
        if conditions != deployment.status.conditions { status.conditions = conditions }
        return status
    }

    private func counts(_ rollout: Rollout) -> DeploymentStatus {
        var status = deployment.status
        let all = rollout.all
        func sum(_ value: (ReplicaSetStatus) -> Int32) -> Int32 {
            Int32(clamping: all.reduce(Int64(0)) { $0 + Int64(value($1.status)) })
        }
        status.observedGeneration = deployment.metadata.generation
        status.replicas = sum { $0.replicas }
        status.readyReplicas = sum { $0.readyReplicas }
        status.availableReplicas = sum { $0.availableReplicas }
        status.terminatingReplicas = sum { $0.terminatingReplicas ?? 0 }
        status.updatedReplicas = rollout.current?.status.replicas ?? 0
        status.unavailableReplicas = Int32(clamping: max(0, rollout.total - Int(status.availableReplicas)))
        return status
    }

    private mutating func judge(_ status: DeploymentStatus, _ rollout: Rollout) {
        guard hasDeadline else { return conditions.removeAll { $0.type == "Progressing" } }
        let known = self["Progressing"]
        if status.replicas == status.updatedReplicas, known?.reason == "NewReplicaSetAvailable" { return }
        let name =
            rollout.current.map { "ReplicaSet \"\($0.metadata.name)\"" } ?? "Deployment \"\(deployment.metadata.name)\""
        if isComplete(status) {
            set("Progressing", "True", "NewReplicaSetAvailable", "\(name) has successfully progressed.")
        } else if isProgressing(status) {
            let transition = known?.status == "True" ? known?.lastTransitionTime : nil
            replace("Progressing", "True", "ReplicaSetUpdated", "\(name) is progressing.", transition: transition)
        } else if isOverdue {
            set("Progressing", "False", "ProgressDeadlineExceeded", "\(name) has timed out progressing.")
        }
    }

    private func isProgressing(_ status: DeploymentStatus) -> Bool {
        let old = deployment.status
        return status.updatedReplicas > old.updatedReplicas || status.readyReplicas > old.readyReplicas
            || status.availableReplicas > old.availableReplicas
            || Self.outdated(status) < Self.outdated(old)
    }

    /// In 64 bits: the numbers are what someone wrote into a status.
    private static func outdated(_ status: DeploymentStatus) -> Int64 {
        Int64(status.replicas) - Int64(status.updatedReplicas)
    }

    private var isOverdue: Bool {
        guard let condition = self["Progressing"], condition.reason != "NewReplicaSetAvailable" else { return false }
        if condition.reason == "ProgressDeadlineExceeded" { return true }
        return due(condition) < now
    }

    private func due(_ condition: DeploymentCondition) -> Timestamp {
        (condition.lastUpdateTime ?? now) + .seconds(Int64(deployment.spec.progressDeadlineSeconds))
    }

    /// When the roll-out is overdue if nothing happens until then.
    func deadline(_ status: DeploymentStatus) -> Timestamp? {
        guard hasDeadline, !isComplete(status), let condition = self["Progressing"],
            condition.reason != "ProgressDeadlineExceeded", condition.reason != "NewReplicaSetAvailable"
        else { return nil }
        return due(condition) + .seconds(1)
    }

    private mutating func takeOverFailure(_ rollout: Rollout) {
        let sets = (rollout.current.map { [$0] } ?? []) + rollout.old
        let failure = sets.lazy.flatMap { $0.status.conditions }.first { $0.type == "ReplicaFailure" }
        guard let failure else { return conditions.removeAll { $0.type == "ReplicaFailure" } }
        set("ReplicaFailure", failure.status, failure.reason ?? "", failure.message ?? "")
    }
}
