import APIMachinery
import KubernetesAPI

extension Pod {
    /// It runs or will run: neither ended nor being deleted.
    var isActive: Bool {
        let phase = self.status.phase
        return phase != "Succeeded" && phase != "Failed" && metadata.deletionTimestamp == nil
    }

    /// It ended, for good.
    var isFinished: Bool {
        let phase = self.status.phase
        return phase == "Succeeded" || phase == "Failed"
    }

    var readyCondition: PodCondition? {
        self.status.conditions.first { $0.type == "Ready" }
    }

    var isReady: Bool { readyCondition?.status == "True" }

    /// When the pod counts as available: ready for `minReadySeconds`. nil where it is not ready.
    func availableAt(minReadySeconds: Int32) -> Timestamp? {
        guard let ready = readyCondition, ready.status == "True" else { return nil }
        guard minReadySeconds > 0 else { return .epoch }
        return (ready.lastTransitionTime ?? .epoch) + .seconds(Int64(minReadySeconds))
    }
}
