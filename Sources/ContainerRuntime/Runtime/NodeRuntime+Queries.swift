import CRI
import Linux

extension NodeRuntime {
    package func version() async throws(CRIError) -> RuntimeVersion {
        RuntimeVersion(name: "swiftlet", version: versionText)
    }

    package func status() async throws(CRIError) -> RuntimeStatus {
        let host = try host()
        let missing = ["cpu", "memory", "pids"].filter { !host.controllers.contains($0) }
        let limits = RuntimeStatus.Condition(
            type: "LimitsHeld", isTrue: missing.isEmpty,
            reason: missing.isEmpty ? "ControllersPresent" : "ControllersMissing",
            message: missing.isEmpty
                ? ""
                : "this node's cgroup v2 hierarchy lacks the controllers \(missing.joined(separator: ", ")): limits by them are not held"
                    + (missing.contains("memory")
                        ? ", but that a container found beyond its memory limit is killed" : "")
        )
        let problem = await dependencies.network.problem
        let network = RuntimeStatus.Condition(
            type: "NetworkReady", isTrue: problem == nil, reason: problem == nil ? "" : "NetworkNotRepaired",
            message: problem ?? "")
        var status = RuntimeStatus(conditions: [.init(type: "RuntimeReady", isTrue: true), network, limits])
        status.hasUserNamespaces = await obstacleToUsers() == nil
        status.hasStrictGroups = true
        return status
    }

    package func podSandboxStatus(_ id: String) async throws(CRIError) -> PodSandboxStatus {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(id) }
        var status = entry.status
        status.processID = entry.monitor?.processID ?? 0
        return status
    }

    /// Sandboxes that are still being made are not listed: nobody knows their ids.
    package func listPodSandboxes(_ filter: PodSandboxFilter) async throws(CRIError) -> [PodSandboxStatus] {
        let entries = state.withLock { state in
            state.sandboxes.values.filter { $0.record.phase != .creating }
        }
        return entries.map(\.status).filter { filter.matches($0) }.sorted { $0.createdAt < $1.createdAt }
    }

    /// The process of a sandbox's monitor; nil where it has none.
    package func monitorProcess(of sandbox: String) -> Int32? {
        state.withLock { $0.sandboxes[sandbox]?.monitor }?.processID
    }

    package func containerStatus(_ id: String) async throws(CRIError) -> ContainerStatus {
        try state.withLock { state throws(CRIError) in try state.container(id) }.record.status
    }

    package func listContainers(_ filter: ContainerFilter) async throws(CRIError) -> [ContainerStatus] {
        let records = state.withLock { state in
            state.containers.values.map(\.record).filter { $0.phase != .creating && $0.phase != .removing }
        }
        return records.map(\.status).filter { filter.matches($0) }.sorted { $0.createdAt < $1.createdAt }
    }

    package func containerEvents() -> AsyncStream<ContainerEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ContainerEvent.self, bufferingPolicy: .bufferingOldest(1_024))
        let subscriber = state.withLock { $0.subscribe(continuation) }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.unsubscribe(subscriber) }
        }
        return stream
    }

    /// The same for a reader that can do without the oldest.
    package func eventBacklog() -> EventBacklog<ContainerEvent> {
        let backlog = EventBacklog<ContainerEvent>()
        state.withLock { $0.readers.add(backlog) }
        return backlog
    }

    func lookUp(container id: String) throws(CRIError) -> (container: ContainerEntry, sandbox: SandboxEntry) {
        try state.withLock { state throws(CRIError) in
            let container = try state.container(id)
            return (container, try state.sandbox(container.record.sandbox))
        }
    }

    /// The monitor of a container that can be spoken to.
    func monitor(of sandbox: SandboxEntry) throws(CRIError) -> any PodMonitoring {
        guard sandbox.record.phase == .ready else {
            throw .failed("sandbox \(sandbox.record.id) of pod \(sandbox.record.podName) is not ready")
        }
        guard let monitor = sandbox.monitor else {
            throw .failed("the monitor of pod \(sandbox.record.podName) has not answered yet")
        }
        return monitor
    }

    /// The same to launch with.
    func launcher(in sandbox: String) throws(CRIError) -> any PodMonitoring {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(sandbox) }
        guard !entry.isStopping else { throw .failed("pod \(entry.record.podName) is being stopped") }
        return try monitor(of: entry)
    }
}

extension PodSandboxFilter {
    func matches(_ status: PodSandboxStatus) -> Bool {
        (id == nil || id == status.id) && (state == nil || state == status.state)
            && (podUID == nil || podUID == status.metadata.uid) && status.labels.carry(labels)
    }
}

extension ContainerFilter {
    func matches(_ status: ContainerStatus) -> Bool {
        (id == nil || id == status.id) && (sandbox == nil || sandbox == status.sandbox)
            && (state == nil || state == status.state) && status.labels.carry(labels)
    }
}

extension SandboxRecord {
    /// In messages.
    var podName: String { metadata.namespace + "/" + metadata.name }
}
