import CRI
import Glibc
import Synchronization

/// A `RuntimeService` without a kernel: sandboxes and containers are entries of a state machine that refuses what a real runtime refuses.
/// A container runs from `startContainer` until the test or `stopContainer` ends it; nothing happens with time.
package final class FakeRuntimeService: ResumableRuntime {
    let state: Mutex<FakeRuntimeState>
    private let images: (any ImageService)?

    /// - Parameters:
    ///   - images: where given, a container's image has to be in it.
    ///   - now: the clock of every time stamp; without one each call is a nanosecond later than the last.
    package init(images: (any ImageService)? = nil, now: (@Sendable () -> UnixNanoseconds)? = nil) {
        self.images = images
        state = Mutex(FakeRuntimeState(now: now))
    }

    package var resolvesSubPaths: Bool { true }

    package func version() async throws(CRIError) -> RuntimeVersion {
        try await enter(.version)
        return RuntimeVersion(name: "fake", version: "1.0.0")
    }

    package func status() async throws(CRIError) -> RuntimeStatus {
        try await enter(.status)
        return state.withLock { state in
            var status = RuntimeStatus(conditions: FakeRuntimeState.conditions)
            status.hasUserNamespaces = state.hasUserNamespaces
            return status
        }
    }

    package func runPodSandbox(_ config: PodSandboxConfig) async throws(CRIError) -> String {
        try await enter(.runPodSandbox, config.metadata.name)
        return try change { state throws(CRIError) in state.runSandbox(config) }
    }

    package func stopPodSandbox(_ id: String) async throws(CRIError) {
        try await enter(.stopPodSandbox, id)
        try change { state throws(CRIError) in state.stopSandbox(id) }
    }

    package func removePodSandbox(_ id: String) async throws(CRIError) {
        try await enter(.removePodSandbox, id)
        try change { state throws(CRIError) in state.removeSandbox(id) }
    }

    package func resumePodSandbox(_ id: String, _ config: PodSandboxConfig) async throws(CRIError) {
        try await enter(.resumePodSandbox, id)
        try change { state throws(CRIError) in try state.resumeSandbox(id) }
    }

    package func mark(sandbox id: String, _ labels: [String: String]) async throws(CRIError) {
        try await enter(.mark, id)
        try change { state throws(CRIError) in try state.mark(sandbox: id, labels) }
    }

    /// Those but SIGKILL do nothing.
    package func signal(container id: String, _ signal: Int32) async throws(CRIError) {
        try await enter(.signal, id)
        if signal == SIGKILL { exit(container: id, code: 137) }
    }

    package func podSandboxStatus(_ id: String) async throws(CRIError) -> PodSandboxStatus {
        try await enter(.podSandboxStatus, id)
        return try change { state throws(CRIError) in try state.sandbox(id).status }
    }

    package func listPodSandboxes(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus] {
        try await enter(.listPodSandboxes)
        return state.withLock { $0.list(filter) }
    }

    package func createContainer(
        sandbox: String, config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws(CRIError) -> String {
        try await enter(.createContainer, config.metadata.name)
        var imageID = config.imageID ?? "sha256:" + config.image
        if let images {
            guard let image = try await images.imageStatus(config.imageID ?? config.image) else {
                throw .imageNotFound("image \(config.image) is not present")
            }
            imageID = image.id
        }
        return try change { [imageID] state throws(CRIError) in
            try state.createContainer(sandbox: sandbox, config: config, imageID: imageID)
        }
    }

    package func startContainer(_ id: String) async throws(CRIError) {
        try await enter(.startContainer, id)
        try change { state throws(CRIError) in try state.startContainer(id) }
    }

    package func stopContainer(_ id: String, timeout: Duration) async throws(CRIError) {
        try await enter(.stopContainer, id)
        if timeout > .zero, Task.isCancelled { throw .failed("container \(id): its stop was given up") }
        try change { state throws(CRIError) in state.stopContainer(id, timeout: timeout) }
    }

    package func removeContainer(_ id: String) async throws(CRIError) {
        try await enter(.removeContainer, id)
        try change { state throws(CRIError) in state.removeContainer(id) }
    }

    package func containerStatus(_ id: String) async throws(CRIError) -> ContainerStatus {
        try await enter(.containerStatus, id)
        return try change { state throws(CRIError) in try state.container(id).status }
    }

    package func listContainers(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus] {
        try await enter(.listContainers)
        return state.withLock { $0.list(filter) }
    }

    package func updateContainerResources(_ id: String, _ resources: ContainerResources) async throws(CRIError) {
        try await enter(.updateContainerResources, id)
        try change { state throws(CRIError) in try state.update(id, resources) }
    }

    package func reopenContainerLog(_ id: String) async throws(CRIError) {
        try await enter(.reopenContainerLog, id)
        _ = try change { state throws(CRIError) in try state.container(id) }
    }

    package func containerStats(_ id: String) async throws(CRIError) -> ContainerStats {
        try await enter(.containerStats, id)
        _ = try change { state throws(CRIError) in try state.container(id) }
        return ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil)
    }

    package func podSandboxStats(_ id: String) async throws(CRIError) -> ContainerStats {
        try await enter(.podSandboxStats, id)
        _ = try change { state throws(CRIError) in try state.sandbox(id) }
        return ContainerStats(cpuNanoseconds: nil, memoryBytes: nil, processes: nil)
    }

    package func writableLayer(of id: String) async throws(CRIError) -> FilesystemUsage {
        try await enter(.writableLayer, id)
        _ = try change { state throws(CRIError) in try state.container(id) }
        return FilesystemUsage(path: "/fake/" + id, usedBytes: 0, usedInodes: 1)
    }

    package func containerTally(_ id: String) async throws(CRIError) -> ContainerTally {
        try await enter(.containerTally, id)
        _ = try change { state throws(CRIError) in try state.container(id) }
        var tally = ContainerTally()
        tally.processes.processes = 1
        return tally
    }

    package func interfaces(ofSandbox id: String) async throws(CRIError) -> [InterfaceStats] {
        try await enter(.interfaces, id)
        _ = try change { state throws(CRIError) in try state.sandbox(id) }
        let none = InterfaceStats.Direction(bytes: 0, packets: 0, errors: 0, dropped: 0)
        return [InterfaceStats(name: "eth0", received: none, sent: none)]
    }

    package func execSync(
        container: String, command: [String], timeout: Duration, outputLimit: Int
    ) async throws(CRIError) -> ExecResult {
        try await enter(.execSync, container)
        var result = try change { state throws(CRIError) in try state.exec(container, command) }
        result.standardOutput = Array(result.standardOutput.prefix(outputLimit))
        result.standardError = Array(result.standardError.prefix(outputLimit))
        return result
    }

    package func exec(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        try await enter(.exec, request.container)
        return FakeContainerStreams(
            result: try change { state throws(CRIError) in try state.exec(request.container, request.command) })
    }

    package func attach(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        try await enter(.attach, request.container)
        return FakeContainerStreams(
            result: try change { state throws(CRIError) in try state.exec(request.container, []) })
    }

    package func portForward(sandbox: String, port: UInt16) async throws(CRIError) -> any ContainerStreams {
        try await enter(.portForward, sandbox)
        _ = try change { state throws(CRIError) in try state.sandbox(sandbox) }
        // What listens says at which port.
        return FakeContainerStreams(
            result: ExecResult(standardOutput: Array("\(port)".utf8), standardError: [], exitCode: 0))
    }

    package func containerEvents() -> AsyncStream<ContainerEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ContainerEvent.self, bufferingPolicy: .bufferingOldest(1_024))
        let subscriber = state.withLock { state in
            state.scriptedFailure(of: .containerEvents) == nil ? state.subscribe(continuation) : nil
        }
        guard let subscriber else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.unsubscribe(subscriber) }
        }
        return stream
    }
}

extension FakeRuntimeService {
    /// Records the call, waits where the operation is held, fails where a failure is scripted.
    private func enter(_ operation: FakeRuntimeOperation, _ object: String = "") async throws(CRIError) {
        if let gate = state.withLock({ $0.record(operation, object) }) { await gate.wait() }
        if let error = state.withLock({ $0.scriptedFailure(of: operation) }) { throw error }
    }

    /// A change of the state; the events that it made go out in order.
    private func change<Value: Sendable>(
        _ body: (inout FakeRuntimeState) throws(CRIError) -> Value
    ) throws(CRIError) -> Value {
        try state.withLock { state throws(CRIError) in try body(&state) }
    }
}
