import CRI
import HTTP
import Protobuf

extension CRIEndpoint {
    static let sandboxCalls: [String: Call] = [
        "RunPodSandbox": change(runPodSandbox),
        "StopPodSandbox": change(stopPodSandbox),
        "RemovePodSandbox": change(removePodSandbox),
        "PodSandboxStatus": query(podSandboxStatus),
        "ListPodSandbox": query(listPodSandbox),
        "StreamPodSandboxes": parts(listedSandboxes) { items in
            Message<Wire.ListPodSandboxResponse> { $0.items = items }
        },
        "UpdatePodSandboxResources": query(updatePodSandboxResources),
    ]

    @Sendable private static func runPodSandbox(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.RunPodSandboxRequest>
    ) async throws(CRIError) -> Message<Wire.SandboxID> {
        let handler = question.runtimeHandler
        guard handler.isEmpty else {
            throw .invalid("runtime handler \"\(handler)\" is not known: there is the default alone")
        }
        let id = try await endpoint.runtime.runPodSandbox(PodSandboxConfig(question.config))
        return Message { $0.podSandboxID = id }
    }

    @Sendable private static func stopPodSandbox(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.SandboxID>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        try await endpoint.runtime.stopPodSandbox(endpoint.sandbox(question.podSandboxID))
        return Message()
    }

    @Sendable private static func removePodSandbox(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.SandboxID>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        try await endpoint.runtime.removePodSandbox(endpoint.sandbox(question.podSandboxID))
        return Message()
    }

    @Sendable private static func podSandboxStatus(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.PodSandboxStatusRequest>
    ) async throws(CRIError) -> Message<Wire.PodSandboxStatusResponse> {
        let id = try await endpoint.sandbox(question.podSandboxID)
        let status = try await endpoint.runtime.podSandboxStatus(id)
        let containers = try await endpoint.runtime.listContainers(ContainerFilter(sandbox: id))
        return Message {
            $0.status = status.wire
            $0.containersStatuses = containers.map(\.wire)
            $0.timestamp = endpoint.now
            if question.verbose { $0.info = ["info": VerboseInfo.sandbox(status)] }
        }
    }

    @Sendable private static func listPodSandbox(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListPodSandboxRequest>
    ) async throws(CRIError) -> Message<Wire.ListPodSandboxResponse> {
        let items = try await listedSandboxes(endpoint, question)
        return Message { $0.items = items }
    }

    @Sendable private static func listedSandboxes(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ListPodSandboxRequest>
    ) async throws(CRIError) -> [Message<Wire.PodSandbox>] {
        var filter = PodSandboxFilter(question.filter)
        if let id = filter.id { filter.id = try await endpoint.sandbox(id) }
        return try await endpoint.pods(filter).map(\.listed)
    }

    /// The kubelet has changed the pod's cgroup, which is its own, before it asks; nothing else depends on the pod's resources.
    @Sendable private static func updatePodSandboxResources(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.UpdatePodSandboxResourcesRequest>
    ) async throws(CRIError) -> Message<Wire.Empty> {
        _ = try await endpoint.runtime.podSandboxStatus(endpoint.sandbox(question.podSandboxID))
        return Message()
    }
}
