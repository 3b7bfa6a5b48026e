import CRI
import HTTP
import Protobuf

extension RemoteRuntime: RuntimeService {
    package var resolvesSubPaths: Bool { false }

    package func version() async throws(CRIError) -> RuntimeVersion {
        let answer = try await ask(
            "Version", Message<Wire.VersionRequest> { $0.version = "0.1.0" }, as: Wire.VersionResponse.self)
        return RuntimeVersion(name: answer.runtimeName, version: answer.runtimeVersion)
    }

    package func status() async throws(CRIError) -> RuntimeStatus {
        let answer = try await ask("Status", Message<Wire.StatusRequest>(), as: Wire.StatusResponse.self)
        var status = RuntimeStatus(
            conditions: (answer.status?.conditions ?? []).map {
                .init(type: $0.type, isTrue: $0.status, reason: $0.reason, message: $0.message)
            },
            mountsRecursivelyReadOnly: answer.runtimeHandlers.contains {
                $0.name.isEmpty && $0.features?.recursiveReadOnlyMounts == true
            })
        status.hasUserNamespaces = answer.runtimeHandlers.contains {
            $0.name.isEmpty && $0.features?.userNamespaces == true
        }
        status.hasStrictGroups = answer.features?.supplementalGroupsPolicy ?? false
        return status
    }

    // MARK: Sandboxes

    package func runPodSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String {
        let question = Message<Wire.RunPodSandboxRequest> { $0.config = config.wire }
        return try await ask("RunPodSandbox", question, within: Self.changeLimit, as: Wire.SandboxID.self).podSandboxID
    }

    package func stopPodSandbox(_ id: String) async throws(CRIError) {
        try await tell("StopPodSandbox", Message<Wire.SandboxID> { $0.podSandboxID = id })
    }

    package func removePodSandbox(_ id: String) async throws(CRIError) {
        try await tell("RemovePodSandbox", Message<Wire.SandboxID> { $0.podSandboxID = id })
    }

    package func podSandboxStatus(_ id: String) async throws(CRIError) -> PodSandboxStatus {
        let question = Message<Wire.PodSandboxStatusRequest> { $0.podSandboxID = id }
        let answer = try await ask("PodSandboxStatus", question, as: Wire.PodSandboxStatusResponse.self)
        guard let status = answer.status else { throw .failed("sandbox \(id): the runtime gave no status") }
        return try PodSandboxStatus(status)
    }

    package func listPodSandboxes(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus] {
        let question = Message<Wire.ListPodSandboxRequest> { $0.filter = filter.wire }
        let answer = try await ask("ListPodSandbox", question, as: Wire.ListPodSandboxResponse.self)
        var found: [PodSandboxStatus] = []
        for item in answer.items {
            let listed = try PodSandboxStatus(item)
            guard filter.podUID == nil || filter.podUID == listed.metadata.uid else { continue }
            do throws(CRIError) {
                found.append(try await podSandboxStatus(listed.id))
            } catch .notFound {
                // It has gone since it was listed.
                continue
            }
        }
        return found.sorted { $0.createdAt < $1.createdAt }
    }

    // MARK: Containers

    package func createContainer(
        sandbox: String, config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws(CRIError) -> String {
        guard config.mounts.allSatisfy({ $0.subPath.isEmpty || $0.image != nil }) else {
            throw .unsupported(
                "container \(config.metadata.name): the CRI knows no path within a volume; whoever asks resolves it")
        }
        if let image = config.mounts.compactMap(\.image).first {
            let version = try await version()
            guard version.mountsImages else {
                throw .unsupported(
                    "container \(config.metadata.name): \(version.name) \(version.version) does not mount images as volumes (\(image)); 2.1 and later do"
                )
            }
        }
        let question = Message<Wire.CreateContainerRequest> {
            $0.podSandboxID = sandbox
            $0.config = config.wire(in: sandboxConfig)
            $0.sandboxConfig = sandboxConfig.wire
        }
        return try await ask("CreateContainer", question, within: Self.changeLimit, as: Wire.ContainerID.self)
            .containerID
    }

    package func startContainer(_ id: String) async throws(CRIError) {
        do throws(CRIError) {
            try await tell("StartContainer", Message<Wire.ContainerID> { $0.containerID = id })
        } catch .failed(let message) {
            // Whose fault it was the CRI does not say; the container's own is by far the most frequent.
            throw .startFailed(message: message, exitCode: 128)
        }
    }

    package func stopContainer(_ id: String, timeout: Duration) async throws(CRIError) {
        let question = Message<Wire.StopContainerRequest> {
            $0.containerID = id
            $0.timeout = timeout.components.seconds
        }
        try await tell("StopContainer", question, within: timeout + Self.changeLimit)
    }

    package func removeContainer(_ id: String) async throws(CRIError) {
        try await tell("RemoveContainer", Message<Wire.ContainerID> { $0.containerID = id })
    }

    package func containerStatus(_ id: String) async throws(CRIError) -> ContainerStatus {
        // Its own status does not say whose it is.
        let filter = ContainerFilter(id: id)
        guard let listed = try await listed(filter).first else { throw .notFound("container \(id) is not known") }
        return try await status(of: listed)
    }

    package func listContainers(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus] {
        var found: [ContainerStatus] = []
        for container in try await listed(filter) {
            do throws(CRIError) {
                found.append(try await status(of: container))
            } catch .notFound {
                continue
            }
        }
        return found.sorted { $0.createdAt < $1.createdAt }
    }

    private func listed(_ filter: ContainerFilter) async throws(CRIError) -> [Message<Wire.Container>] {
        let question = Message<Wire.ListContainersRequest> { $0.filter = filter.wire }
        return try await ask("ListContainers", question, as: Wire.ListContainersResponse.self).containers
    }

    private func status(of listed: Message<Wire.Container>) async throws(CRIError) -> ContainerStatus {
        let question = Message<Wire.ContainerStatusRequest> { $0.containerID = listed.id }
        let answer = try await ask("ContainerStatus", question, as: Wire.ContainerStatusResponse.self)
        guard let status = answer.status else { throw .failed("container \(listed.id): the runtime gave no status") }
        return try ContainerStatus(status, listed: listed)
    }

    package func updateContainerResources(_ id: String, _ resources: ContainerResources) async throws(CRIError) {
        let question = Message<Wire.UpdateContainerResourcesRequest> {
            $0.containerID = id
            $0.linux = resources.wire
        }
        try await tell("UpdateContainerResources", question)
    }

    package func reopenContainerLog(_ id: String) async throws(CRIError) {
        try await tell("ReopenContainerLog", Message<Wire.ContainerID> { $0.containerID = id })
    }

    // MARK: Usage

    package func containerStats(_ id: String) async throws(CRIError) -> ContainerStats {
        ContainerStats(try await stats(of: id))
    }

    package func podSandboxStats(_ id: String) async throws(CRIError) -> ContainerStats {
        let question = Message<Wire.SandboxID> { $0.podSandboxID = id }
        let answer = try await ask("PodSandboxStats", question, as: Wire.PodSandboxStatsResponse.self)
        return answer.stats.map { ContainerStats($0) }
            ?? ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil)
    }

    package func writableLayer(of id: String) async throws(CRIError) -> FilesystemUsage {
        guard let layer = try await stats(of: id).writableLayer else {
            throw .failed("container \(id): the runtime does not say what it has written")
        }
        return FilesystemUsage(layer)
    }

    /// The CRI's statistics have none of it, and another's processes are not this program's to look at.
    package func containerTally(_ id: String) async throws(CRIError) -> ContainerTally {
        throw .unsupported("container \(id): the runtime does not tell its processes apart")
    }

    package func interfaces(ofSandbox id: String) async throws(CRIError) -> [InterfaceStats] {
        let question = Message<Wire.SandboxID> { $0.podSandboxID = id }
        let answer = try await ask("PodSandboxStats", question, as: Wire.PodSandboxStatsResponse.self)
        return answer.stats?.linux?.network?.interfaces.map { InterfaceStats($0) } ?? []
    }

    private func stats(of id: String) async throws(CRIError) -> Message<Wire.ContainerStats> {
        let question = Message<Wire.ContainerID> { $0.containerID = id }
        let answer = try await ask("ContainerStats", question, as: Wire.ContainerStatsResponse.self)
        guard let stats = answer.stats else { throw .failed("container \(id): the runtime gave no figures") }
        return stats
    }

    // MARK: Commands

    package func execSync(
        container: String, command: [String], timeout: Duration, outputLimit: Int
    ) async throws(CRIError) -> ExecResult {
        let question = Message<Wire.ExecSyncRequest> {
            $0.containerID = container
            $0.cmd = command
            $0.timeout = timeout > .zero ? max(1, timeout.components.seconds) : 0
        }
        let limit = timeout > .zero ? timeout + .seconds(5) : Duration.seconds(86_400)
        let answer = try await ask("ExecSync", question, within: limit, as: Wire.ExecSyncResponse.self)
        return ExecResult(
            standardOutput: Array(answer.stdout.prefix(outputLimit)),
            standardError: Array(answer.stderr.prefix(outputLimit)), exitCode: answer.exitCode)
    }

    package func exec(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        let question = Message<Wire.ExecRequest> {
            $0.containerID = request.container
            $0.cmd = request.command
            $0.tty = request.terminal
            $0.stdin = request.standardInput
            $0.stdout = request.standardOutput
            $0.stderr = request.standardError && !request.terminal
        }
        return try await session(at: ask("Exec", question, as: Wire.URLResponse.self).url, request)
    }

    package func attach(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        let question = Message<Wire.AttachRequest> {
            $0.containerID = request.container
            $0.tty = request.terminal
            $0.stdin = request.standardInput
            $0.stdout = request.standardOutput
            $0.stderr = request.standardError && !request.terminal
        }
        return try await session(at: ask("Attach", question, as: Wire.URLResponse.self).url, request)
    }

    package func portForward(sandbox: String, port: UInt16) async throws(CRIError) -> any ContainerStreams {
        let question = Message<Wire.PortForwardRequest> {
            $0.podSandboxID = sandbox
            $0.port = [Int32(port)]
        }
        let url = try await ask("PortForward", question, as: Wire.URLResponse.self).url
        return RemotePort(try await webSocket(url))
    }
}

extension RuntimeVersion {
    /// The CRI offers no way to ask; what a runtime does not know it passes over.
    var mountsImages: Bool {
        let numbers = version.drop { !$0.isNumber }.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard name == "containerd", numbers.count == 2 else { return true }
        return (numbers[0], numbers[1]) >= (2, 1)
    }
}
