import CRI
import HTTP
import Protobuf

extension RemoteRuntime {
    private static let relistPeriod = Duration.seconds(1)

    /// As the runtime tells them; from one that does not know the call (containerd before 1.7), by comparing lists once a second.
    package func containerEvents() -> AsyncStream<ContainerEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ContainerEvent.self, bufferingPolicy: .bufferingOldest(1_024))
        let task = Task {
            do throws(GRPCStatus) {
                try await follow(continuation)
            } catch {
                if error.code == .unimplemented { await relist(continuation) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func follow(_ continuation: AsyncStream<ContainerEvent>.Continuation) async throws(GRPCStatus) {
        let events = try await client.stream("/runtime.v1.RuntimeService/GetContainerEvents", [])
        while true {
            let bytes: [UInt8]?
            do { bytes = try await events.next() } catch {
                throw error as? GRPCStatus ?? GRPCStatus(.unavailable, "\(error)")
            }
            guard let bytes else { return }
            let message = try CRIEndpoint.read(bytes, as: Wire.ContainerEventResponse.self)
            if case .dropped = continuation.yield(ContainerEvent(message)) { return }
        }
    }

    /// Until the task is cancelled, the reader falls behind, or the runtime is away for a moment.
    private func relist(_ continuation: AsyncStream<ContainerEvent>.Continuation) async {
        var known: ContainerStates?
        while !Task.isCancelled {
            do {
                let sandboxes = try await listPodSandboxes(PodSandboxFilter())
                let containers = try await listContainers(ContainerFilter())
                let now = ContainerStates(sandboxes, containers)
                for event in known?.changes(to: now) ?? [] {
                    if case .dropped = continuation.yield(event) { return }
                }
                known = now
                try await time.sleep(for: Self.relistPeriod)
            } catch {
                return
            }
        }
    }
}

extension ContainerEvent {
    init(_ wire: Message<Wire.ContainerEventResponse>) {
        let kind: Kind =
            switch wire.containerEventType {
            case .created: .created
            case .started: .started
            case .stopped: .stopped
            case .deleted: .deleted
            }
        let status = wire.podSandboxStatus
        self.init(
            kind: kind, container: wire.containerID, sandbox: status?.id ?? wire.containerID,
            podUID: status?.metadata?.uid ?? "", time: wire.createdAt)
    }
}

/// What a runtime has at one moment, to be compared with the next.
struct ContainerStates: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        var state: ContainerState
        var sandbox: String
        var podUID: String
        var time: UnixNanoseconds
    }

    private var entries: [String: Entry] = [:]

    init(_ sandboxes: [PodSandboxStatus], _ containers: [ContainerStatus]) {
        let uids = Dictionary(sandboxes.map { ($0.id, $0.metadata.uid) }, uniquingKeysWith: { $1 })
        for box in sandboxes {
            entries[box.id] = Entry(
                state: box.state == .ready ? .running : .exited, sandbox: box.id, podUID: box.metadata.uid,
                time: box.createdAt)
        }
        for container in containers {
            entries[container.id] = Entry(
                state: container.state, sandbox: container.sandbox, podUID: uids[container.sandbox] ?? "",
                time: max(container.createdAt, container.startedAt, container.finishedAt))
        }
    }

    /// What has happened between two moments, by the ids.
    func changes(to next: ContainerStates) -> [ContainerEvent] {
        Set(entries.keys).union(next.entries.keys).sorted().flatMap { id -> [ContainerEvent] in
            let (before, after) = (entries[id], next.entries[id])
            guard before?.state != after?.state, let entry = after ?? before else { return [] }
            let kinds: [ContainerEvent.Kind] =
                switch after?.state {
                case nil: [.deleted]
                case .created, .unknown: [.created]
                case .running: [.started]
                case .exited: [.stopped]
                }
            return kinds.map {
                ContainerEvent(kind: $0, container: id, sandbox: entry.sandbox, podUID: entry.podUID, time: entry.time)
            }
        }
    }
}
