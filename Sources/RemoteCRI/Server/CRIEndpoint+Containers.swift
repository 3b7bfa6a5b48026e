import CRI
import HTTP
import Protobuf

extension CRIEndpoint {
    static let containerCalls: [String: Call] = [
        "CreateContainer": change(createContainer),
        "StartContainer": change(startContainer),
        "StopContainer": change(stopContainer),
        "RemoveContainer": change(removeContainer),
        "ListContainers": query(listContainers),
        "StreamContainers": parts(listedContainers) { items in
            Message<Wire.ListContainersResponse> { $0.containers = items }
        },
        "ContainerStatus": query(containerStatus),
        "UpdateContainerResources": change(updateContainerResources),
        "ReopenContainerLog": change(reopenContainerLog),
        "ExecSync": query(execSync),
    ]

    @Sendable private static func createContainer(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.CreateContainerRequest>
    ) async throws(CRIError) -> Message<Wire.ContainerID> {
        let sandbox = try await endpoint.sandbox(question.podSandboxID)
        var config = try ContainerConfig(question.config)
        if let target = config.processTarget { config.processTarget = try await endpoint.container(target) }
        // Kubelets leave a hostPath without a type to the runtime, and manifests rely on what the others do.
        for index in config.mounts.indices { config.mounts[index].isMadeWhereMissing = true }
        let id = try await endpoint.runtime.createContainer(
            sandbox: sandbox, config: config, sandboxConfig: endpoint.config(question.sandboxConfig, of: sandbox))
        return Message { $0.containerID = id }
    }

    /// Of a sandbox into which a container comes. People leave it out, though kubelets do not.
    private func config(
        _ given: Message<Wire.PodSandboxConfig>?, of sandbox: String
    ) async throws(CRIError) -> PodSandboxConfig {
        if let given { return try PodSandboxConfig(given) }
        return PodSandboxConfig(metadata: try await runtime.podSandboxStatus(sandbox).metadata)
    }

    @Sendable private static func startContainer(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ContainerID>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        try await endpoint.runtime.startContainer(endpoint.container(question.containerID))
        return Message()
    }

    @Sendable private static func stopContainer(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.StopContainerRequest>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        let grace = Duration.seconds(min(max(question.timeout, 0), 1 << 31))
        try await endpoint.runtime.stopContainer(endpoint.container(question.containerID), timeout: grace)
        return Message()
    }

    @Sendable private static func removeContainer(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ContainerID>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        try await endpoint.runtime.removeContainer(endpoint.container(question.containerID))
        return Message()
    }

    @Sendable private static func listContainers(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListContainersRequest>
    ) async throws(CRIError) -> Message<Wire.ListContainersResponse> {
        let containers = try await listedContainers(endpoint, question)
        return Message { $0.containers = containers }
    }

    @Sendable private static func listedContainers(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListContainersRequest>
    ) async throws(CRIError) -> [Message<Wire.Container>] {
        var filter = ContainerFilter(question.filter)
        if let id = filter.id { filter.id = try await endpoint.container(id) }
        if let sandbox = filter.sandbox { filter.sandbox = try await endpoint.sandbox(sandbox) }
        return try await endpoint.containersOfPods(filter).map(\.listed)
    }

    @Sendable private static func containerStatus(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ContainerStatusRequest>
    ) async throws(CRIError) -> Message<Wire.ContainerStatusResponse> {
        let status = try await endpoint.runtime.containerStatus(endpoint.container(question.containerID))
        return Message {
            $0.status = status.wire
            if question.verbose { $0.info = ["info": VerboseInfo.container(status)] }
        }
    }

    @Sendable private static func updateContainerResources(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.UpdateContainerResourcesRequest>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        let id = try await endpoint.container(question.containerID)
        try await endpoint.runtime.updateContainerResources(id, ContainerResources(question.linux ?? Message()))
        return Message()
    }

    @Sendable private static func reopenContainerLog(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ContainerID>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        try await endpoint.runtime.reopenContainerLog(endpoint.container(question.containerID))
        return Message()
    }

    /// Bytes of each output of a command; what comes after is dropped (CVE-2022-1708). Both fit into a message of 16 MiB.
    private static let outputLimit = (8 << 20) - 1_024

    @Sendable private static func execSync(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ExecSyncRequest>
    ) async throws(CRIError) -> Message<Wire.ExecSyncResponse> {
        let result = try await endpoint.runtime.execSync(
            container: endpoint.container(question.containerID), command: question.cmd,
            timeout: .seconds(min(max(question.timeout, 0), 1 << 31)), outputLimit: outputLimit)
        return Message {
            $0.stdout = result.standardOutput
            $0.stderr = result.standardError
            $0.exitCode = result.exitCode
        }
    }
}
