import CRI
import KubernetesAPI

@testable import Kubelet

/// Pods' files as a set of names, which a reboot empties.
struct SimulatedVolumes: PodVolumes {
    let machine: Machine

    func makeEmptyDirectory(_ source: EmptyDirVolumeSource, _ volume: String, _ pod: Pod) async throws(OperationError) {
        machine.addFiles(pod.metadata.uid)
    }

    func checkHostPath(_ source: HostPathVolumeSource, _ volume: String) async throws(OperationError) {}

    func write(_ files: VolumeFiles, _ volume: String, _ pod: Pod) async throws(OperationError) {
        machine.addFiles(pod.metadata.uid)
    }

    func mounts(
        of container: Container, _ pod: Pod, environment: [String: String]
    ) throws(ContainerConfigError) -> [CRI.Mount] { [] }

    /// Simulated pods write no files.
    func environmentFiles(
        _ keys: [EnvironmentFilePlace: Set<String>], _ pod: Pod
    ) async throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]] { [:] }

    func prepareContainer(
        _ container: Container, _ pod: Pod, attempt: UInt32, addresses: [String], hostNames: [String]
    ) async throws(OperationError) -> ContainerFiles {
        machine.addFiles(pod.metadata.uid)
        return ContainerFiles(mounts: [], terminationFile: "")
    }

    func bound(_ mounts: [CRI.Mount], of container: String, _ pod: Pod) async throws(OperationError) -> [CRI.Mount] {
        mounts
    }

    func users(of uid: String) async throws(OperationError) -> PodUsers {
        throw OperationError("FailedCreatePodSandBox", "simulated pods have the node's users")
    }

    func terminationMessage(_ status: CRI.ContainerStatus) async -> String { status.message }

    func release(_ uid: String) async throws(OperationError) {}

    func clean(_ uid: String, logs: String) async throws(OperationError) { machine.removeFiles(uid) }

    func pods() async -> Set<String> { machine.files }
}
