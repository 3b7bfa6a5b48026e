/// The runtime half of the CRI (runtime/v1), as Swift: what the kubelet asks of whatever runs containers. Every call is idempotent where
/// the CRI says so: stopping what is stopped and removing what is gone succeed.
package protocol RuntimeService: Sendable {
    /// Whether mounts may name a path within their volume (`Mount.subPath`), which the CRI does not know.
    var resolvesSubPaths: Bool { get }

    func version() async throws(CRIError) -> RuntimeVersion
    func status() async throws(CRIError) -> RuntimeStatus

    /// Creates and starts a sandbox: namespaces, network, cgroup. Returns its id.
    func runPodSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String
    /// Kills what runs in it and gives back its network address.
    func stopPodSandbox(_ id: String) async throws(CRIError)
    /// Of a sandbox that is not stopped, and of its containers, too.
    func removePodSandbox(_ id: String) async throws(CRIError)
    func podSandboxStatus(_ id: String) async throws(CRIError) -> PodSandboxStatus
    func listPodSandboxes(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus]

    /// Makes all ready but the program itself. Returns its id.
    func createContainer(
        sandbox: String, config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws(CRIError) -> String
    /// Returns when the program has been executed; `.startFailed` where it could not be.
    func startContainer(_ id: String) async throws(CRIError)
    /// Sends the stop signal, waits up to `timeout`, then kills. Fails where its task is cancelled meanwhile: the container is left as it is.
    func stopContainer(_ id: String, timeout: Duration) async throws(CRIError)
    /// With what it has written; one that runs is killed.
    func removeContainer(_ id: String) async throws(CRIError)
    func containerStatus(_ id: String) async throws(CRIError) -> ContainerStatus
    func listContainers(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus]
    /// Changes what is set in `resources` and leaves the rest as it is.
    func updateContainerResources(_ id: String, _ resources: ContainerResources) async throws(CRIError)
    /// After somebody has moved the file away: the container goes on in a new one.
    func reopenContainerLog(_ id: String) async throws(CRIError)
    func containerStats(_ id: String) async throws(CRIError) -> ContainerStats
    /// Of the whole pod.
    func podSandboxStats(_ id: String) async throws(CRIError) -> ContainerStats
    /// What the container has written into its root filesystem. A part of its statistics in the CRI; apart here, since it walks the files.
    func writableLayer(of id: String) async throws(CRIError) -> FilesystemUsage
    /// Of a container that runs. Looks at each of its processes.
    func containerTally(_ id: String) async throws(CRIError) -> ContainerTally
    /// Of a sandbox that is ready; none where it is on the host's network.
    func interfaces(ofSandbox id: String) async throws(CRIError) -> [InterfaceStats]

    /// Runs a command to its end. Output over `outputLimit` bytes a stream is cut.
    func execSync(
        container: String, command: [String], timeout: Duration, outputLimit: Int
    ) async throws(CRIError) -> ExecResult
    /// Starts a command whose streams the caller serves. The CRI gives a URL here; in process the streams themselves come back.
    func exec(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams
    /// The streams of the container's own process.
    func attach(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams
    /// A connection to a port on the sandbox's loopback.
    func portForward(sandbox: String, port: UInt16) async throws(CRIError) -> any ContainerStreams

    /// Changes as they happen, to every caller its own; each buffers up to 1,024 events, then ends (the caller lists anew).
    func containerEvents() -> AsyncStream<ContainerEvent>
}

/// The image half of the CRI (runtime/v1).
package protocol ImageService: Sendable {
    /// Every image once, whatever it is called.
    func listImages() async throws(CRIError) -> [Image]
    /// nil where the image is not there.
    func imageStatus(_ image: String) async throws(CRIError) -> Image?
    /// What else is known of it, JSON by name, for people and their tools; nothing where it is not there.
    func imageInfo(_ image: String) async throws(CRIError) -> [String: String]
    /// Returns the image's reference by digest.
    func pullImage(_ image: String, auth: RegistryAuth?) async throws(CRIError) -> String
    /// By id: the image with all its names. By one of several names: that name alone.
    func removeImage(_ image: String) async throws(CRIError)
    /// Removes what pulls that failed have left; nothing where the runtime sees to that by itself.
    func removeLeftovers() async throws(CRIError)
    /// What the images take, and where.
    func imageFilesystem() async throws(CRIError) -> FilesystemUsage
}

extension ImageService {
    package func removeLeftovers() async throws(CRIError) {}
}

/// Both streams of an exec, attach or port-forward session.
package protocol ContainerStreams: Sendable {
    /// The next output, nil when the process has closed it and ended. Read by one task.
    func receive() async throws(CRIError) -> StreamChunk?
    /// Waits while the process reads slowly; does nothing where stdin is closed.
    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError)
    /// The process reads end of file.
    func closeStandardInput() async
    /// Does nothing where there is no terminal.
    func resize(_ size: TerminalSize) async
    /// The exit code, once `receive` has returned nil. 128 + n where signal n ended it.
    func exitCode() async throws(CRIError) -> Int32
    /// Ends the session; an exec's process is killed.
    func close() async
}

/// Output of a process, by where it wrote it.
package enum StreamChunk: Sendable, Hashable {
    case standardOutput([UInt8])
    case standardError([UInt8])
}

/// What went wrong, in the terms that the kubelet decides by.
package enum CRIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no such sandbox or container.
    case notFound(String)
    /// Asked wrongly: asking again does not help.
    case invalid(String)
    case imageNotFound(String)
    /// The process could not be started: the container's own fault (no such command, no permission). Exit code as a shell gives it.
    case startFailed(message: String, exitCode: Int32)
    /// This host cannot do what was asked.
    case unsupported(String)
    case timedOut(String)
    case failed(String)

    package var description: String {
        switch self {
        case .notFound(let message), .invalid(let message), .imageNotFound(let message), .startFailed(let message, _),
            .unsupported(let message), .timedOut(let message), .failed(let message):
            message
        }
    }
}
