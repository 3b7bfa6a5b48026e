import CRI

/// What the runtime has of one pod, as read at one moment.
struct PodObservation: Sendable, Hashable {
    /// Grows with each observation that was begun, so that one that comes late is told apart.
    var sequence: UInt64 = 0
    /// Newest first.
    var sandboxes: [PodSandboxStatus] = []
    /// Newest attempt first.
    var containers: [ContainerStatus] = []

    /// The sandbox that containers are to run in, nil where there is none that works.
    var readySandbox: PodSandboxStatus? {
        sandboxes.first.flatMap { $0.state == .ready ? $0 : nil }
    }

    /// Whether any has yet to be stopped.
    var holdsSandbox: Bool { sandboxes.contains(where: \.isHeld) }

    var isEmpty: Bool { sandboxes.isEmpty && containers.isEmpty }

    var running: [ContainerStatus] {
        containers.filter { $0.state == .running }
    }

    /// The newest container of this name, in whatever sandbox.
    func newest(_ name: String) -> ContainerStatus? {
        containers.first { $0.metadata.name == name }
    }

    /// The newest container of this name in the sandbox that works.
    func current(_ name: String) -> ContainerStatus? {
        guard let sandbox = readySandbox else { return nil }
        return newest(name).flatMap { $0.sandbox == sandbox.id ? $0 : nil }
    }

    /// The one before the newest.
    func previous(_ name: String) -> ContainerStatus? {
        containers.lazy.filter { $0.metadata.name == name }.dropFirst().first
    }
}

extension RuntimeService {
    /// Reads what the runtime has of a pod.
    func observe(podUID: String) async throws(CRIError) -> PodObservation {
        let sandboxes = try await listPodSandboxes(PodSandboxFilter(podUID: podUID))
        var containers: [ContainerStatus] = []
        for sandbox in sandboxes {
            containers += try await listContainers(ContainerFilter(sandbox: sandbox.id))
        }
        return PodObservation(
            sandboxes: sandboxes.sorted { $0.metadata.attempt > $1.metadata.attempt },
            containers: containers.sorted { $0.metadata.attempt > $1.metadata.attempt })
    }
}
