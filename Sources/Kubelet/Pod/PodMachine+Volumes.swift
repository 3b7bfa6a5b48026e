import APIMachinery
import KubernetesAPI

extension PodMachine {
    /// What the machine knows of the volumes that come from the API.
    struct VolumeSources: Sendable, Hashable {
        /// What the volumes were last made from.
        var contents = VolumeContents()
        /// Versions told of since the last attempt to write the volumes.
        var announced: [ReferencedObject: String] = [:]
        /// The pod's own fields have changed, or the last attempt failed.
        var isRefreshDue = false

        /// Drops what the volumes show already.
        mutating func settle() {
            announced = announced.filter { contents.versions[$0.key] != $0.value }
        }
    }

    /// Volumes are made before the first container, and those that come from the API written again when an object has another version than
    /// the one they show, when the pod's fields change, and when a token is due.
    mutating func planVolumes(at now: Moment) -> [PodAction] {
        guard !underWay.contains(.volumes) else { return [] }
        if areVolumesReady { sources.settle() }
        // What was missing may be there by now.
        if !sources.announced.isEmpty { retries[.volumes] = nil }
        let isRenewal = sources.contents.renewal.map { $0 <= now.uptime } ?? false
        guard !areVolumesReady || !sources.announced.isEmpty || sources.isRefreshDue || isRenewal else { return [] }
        let actions = perform(areVolumesReady ? .refreshVolumes : .prepareVolumes, at: now)
        if !actions.isEmpty {
            sources.announced = [:]
            sources.isRefreshDue = false
        }
        return actions
    }

    mutating func volumesWritten(_ outcome: PodOutcome) -> [PodAction] {
        guard case .failure(let reason, let message) = outcome else {
            if case .prepared(let contents) = outcome { sources.contents = contents }
            areVolumesReady = true
            volumeFailure = nil
            return []
        }
        sources.isRefreshDue = true
        volumeFailure = Waiting(reason: reason, message: message)
        return [.event(isWarning: true, reason: reason, message: message, container: nil)]
    }

    /// Notes what a new state of the object means to the volumes.
    mutating func noteFields(of new: Pod) {
        let isSame =
            new.metadata.labels == pod.metadata.labels && new.metadata.annotations == pod.metadata.annotations
        if !isSame, pod.hasFieldVolumes { sources.isRefreshDue = true }
    }
}
