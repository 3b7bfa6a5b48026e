import CRI
import KubernetesAPI

@testable import Kubelet

/// The node's volumes as far as they need no mounts, and so no root: there are no files for containers.
struct UnmountedVolumes: PodVolumes {
    let host: VolumeHost

    func makeEmptyDirectory(_ source: EmptyDirVolumeSource, _ volume: String, _ pod: Pod) async throws(OperationError) {
        guard source.medium != "Memory" else { throw OperationError("FailedMount", "nothing is mounted here") }
        try await host.makeEmptyDirectory(source, volume, pod)
    }

    func checkHostPath(_ source: HostPathVolumeSource, _ volume: String) async throws(OperationError) {
        try await host.checkHostPath(source, volume)
    }

    func write(_ files: VolumeFiles, _ volume: String, _ pod: Pod) async throws(OperationError) {
        try await host.write(files, volume, pod)
    }

    func mounts(
        of container: Container, _ pod: Pod, environment: [String: String]
    ) throws(ContainerConfigError) -> [CRI.Mount] {
        try host.mounts(of: container, pod, environment: environment)
    }

    func environmentFiles(
        _ keys: [EnvironmentFilePlace: Set<String>], _ pod: Pod
    ) async throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]] {
        try await host.environmentFiles(keys, pod)
    }

    func prepareContainer(
        _ container: Container, _ pod: Pod, attempt: UInt32, addresses: [String], hostNames: [String]
    ) async throws(OperationError) -> ContainerFiles { ContainerFiles(mounts: [], terminationFile: "") }

    func bound(_ mounts: [CRI.Mount], of container: String, _ pod: Pod) async throws(OperationError) -> [CRI.Mount] {
        mounts
    }

    func users(of uid: String) async throws(OperationError) -> PodUsers { try await host.users(of: uid) }
    func terminationMessage(_ status: CRI.ContainerStatus) async -> String { await host.terminationMessage(status) }
    func release(_ uid: String) async throws(OperationError) { try await host.release(uid) }
    func clean(_ uid: String, logs: String) async throws(OperationError) { try await host.clean(uid, logs: logs) }
    func pods() async -> Set<String> { await host.pods() }
}
