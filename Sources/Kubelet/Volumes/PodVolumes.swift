import CRI
import KubernetesAPI

/// Where pods' volumes and the files that every container has come from. Every operation may be repeated.
protocol PodVolumes: Sendable {
    func makeEmptyDirectory(_ source: EmptyDirVolumeSource, _ volume: String, _ pod: Pod) async throws(OperationError)
    /// Checks, or makes, what a hostPath volume says it is.
    func checkHostPath(_ source: HostPathVolumeSource, _ volume: String) async throws(OperationError)
    func write(_ files: VolumeFiles, _ volume: String, _ pod: Pod) async throws(OperationError)
    /// The mounts that a container's `volumeMounts` ask for.
    func mounts(
        of container: Container, _ pod: Pod, environment: [String: String]
    ) throws(ContainerConfigError) -> [CRI.Mount]
    /// Variables of files in volumes of the pod, by their names, without those that are not there: no link leads out of a volume. Each file is read once;
    /// `EnvironmentFile` says how large they may be.
    func environmentFiles(
        _ keys: [EnvironmentFilePlace: Set<String>], _ pod: Pod
    ) async throws(ContainerConfigError) -> [EnvironmentFilePlace: [String: String]]
    /// Makes the files every container has: /etc/hosts and the one its termination message goes to.
    func prepareContainer(
        _ container: Container, _ pod: Pod, attempt: UInt32, addresses: [String], hostNames: [String]
    ) async throws(OperationError) -> ContainerFiles
    /// The mounts with each path within a volume bound to a place of its own, for runtimes that know no such paths.
    func bound(_ mounts: [CRI.Mount], of container: String, _ pod: Pod) async throws(OperationError) -> [CRI.Mount]
    /// The node's users and groups that are the pod's own until it is cleaned: the same at each call, and no other pod's.
    func users(of uid: String) async throws(OperationError) -> PodUsers
    /// What an ended container left as its last words, at most 4096 bytes.
    func terminationMessage(_ status: CRI.ContainerStatus) async -> String
    /// Takes the volumes of a pod away and leaves the rest.
    func release(_ uid: String) async throws(OperationError)
    /// Takes everything of the pod away.
    func clean(_ uid: String, logs: String) async throws(OperationError)
    /// The pods that have files here, for finding what a crash left.
    func pods() async -> Set<String>
}

/// What a container is given besides its volumes.
struct ContainerFiles: Sendable {
    var mounts: [CRI.Mount]
    var terminationFile: String
}
