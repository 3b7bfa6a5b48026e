import APIMachinery
import KubernetesAPI

extension PodMachine {
    /// Ends a pod that has been active here for longer than its `activeDeadlineSeconds`.
    mutating func planDeadline(at now: Moment) -> [PodAction] {
        noteActivity(at: now)
        guard let deadline, deadline <= now.uptime, !hasEnded(before: deadline, at: now) else { return [] }
        let end = PodTermination.deadlineExceeded(grace: .seconds(max(0, pod.spec.terminationGracePeriodSeconds)))
        termination = end
        return [.event(isWarning: false, reason: end.reason, message: end.message, container: nil)]
    }

    /// Whether all of it ended in time, and nobody was told yet. What ended after that was ended by the deadline: by a daemon that told of neither.
    private func hasEnded(before deadline: Duration, at now: Moment) -> Bool {
        guard isFinished else { return false }
        // Sidecars and ephemeral containers end after the others.
        let own = (pod.spec.containers + pod.spec.initContainers.filter { !$0.isSidecar }).map(\.name)
        let ended = observation.containers.filter { $0.state == .exited && own.contains($0.metadata.name) }
        return ended.allSatisfy { (ends[$0.id] ?? now.uptime(of: $0.finishedAt)) < deadline }
    }

    /// When the pod will have been active for too long, nil where it may run on or ends already.
    var deadline: Duration? {
        guard !isEnding, finalPhase == nil, termination == nil, let activeSince,
            let limit = pod.spec.activeDeadlineSeconds
        else { return nil }
        return activeSince + .seconds(limit)
    }

    /// The status's start is a wall clock's; a clock that is set later moves no deadline.
    private mutating func noteActivity(at now: Moment) {
        guard activeSince == nil, let start = published?.startTime else { return }
        activeSince = now.uptime(of: start)
    }
}

extension PodTermination {
    /// Of a pod that ran for longer than it may.
    static func deadlineExceeded(grace: Duration) -> PodTermination {
        PodTermination(
            reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline",
            grace: grace)
    }
}
