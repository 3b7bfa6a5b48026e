import CRI
import KubernetesAPI

extension PodObservation {
    /// The run that the pod's status tells of as the last one, whose log is the previous one (kubelet's `validateContainerLogStatus`): of a container that waits
    /// for its next start that is the newest. Where the status tells of none yet, the one before the newest.
    func last(_ name: String, toldBy status: PodStatus) -> CRI.ContainerStatus? {
        guard let told = status.container(named: name)?.lastState.terminated?.containerID else { return previous(name) }
        return containers.first { $0.metadata.name == name && told.hasSuffix("://" + $0.id) }
    }
}

extension PodStatus {
    func container(named name: String) -> KubernetesAPI.ContainerStatus? {
        (self.initContainerStatuses + self.containerStatuses + self.ephemeralContainerStatuses)
            .first { $0.name == name }
    }
}
