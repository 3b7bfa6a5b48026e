import KubernetesAPI

extension PodTermination {
    /// Of a newcomer that is to be confined by AppArmor on a kernel without it; nil for any other.
    static func refusal(of pod: Pod, hasAppArmor: Bool) -> PodTermination? {
        guard !hasAppArmor, pod.status.startTime == nil, pod.needsAppArmor else { return nil }
        return PodTermination(
            reason: "AppArmor",
            message: "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host", grace: .zero,
            disruption: nil, hasEvent: true, isRejection: true)
    }
}
