import CRI
import HTTP
import Logging
import Protobuf
import Synchronization

extension RemoteRuntime {
    private static let relistPeriod = Duration.seconds(1)

    /// As the runtime tells them; from one that does not know the call (containerd before 1.7), by comparing lists once a second.
    package func containerEvents() -> AsyncStream<ContainerEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ContainerEvent.self, bufferingPolicy: .bufferingOldest(1_024))
        let task = Task {
            do throws(CRIError) {
                do throws(CRIError) {
                    try await follow(continuation)
                } catch .unsupported {
                    try await relist(continuation)
                }
            } catch {
                if !Task.isCancelled { outage.note(error, logger) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func follow(_ continuation: AsyncStream<ContainerEvent>.Continuation) async throws(CRIError) {
        let events: ByteStream
        do throws(GRPCStatus) {
            events = try await client.stream("/runtime.v1.RuntimeService/GetContainerEvents", [])
        } catch {
            throw CRIError(error)
        }
        // What changed before the stream was open.
        await tell(ContainerStates().changes(to: try await states()), continuation)
        while true {
            let bytes: [UInt8]?
            do { bytes = try await events.next() } catch {
                throw CRIError(error as? GRPCStatus ?? GRPCStatus(.unavailable, "\(error)"))
            }
            guard let bytes else { return }
            let message = try Self.read(
                bytes, answering: "GetContainerEvents", as: Wire.ContainerEventResponse.self)
            if case .dropped = continuation.yield(ContainerEvent(message)) { return }
        }
    }

    /// Tells what there is, then what changes, until the task is cancelled.
    /// - Throws: where the runtime is away for a moment.
    func relist(_ continuation: AsyncStream<ContainerEvent>.Continuation) async throws(CRIError) {
        var known = ContainerStates()
        while !Task.isCancelled {
            let now = try await states()
            await tell(known.changes(to: now), continuation)
            known = now
            try? await time.sleep(for: Self.relistPeriod)
        }
    }

    private func states() async throws(CRIError) -> ContainerStates {
        let sandboxes = try await listPodSandboxes(PodSandboxFilter())
        let states = ContainerStates(sandboxes, try await listContainers(ContainerFilter()))
        outage.end(logger)
        return states
    }

    /// Waits for a reader that falls behind.
    private func tell(_ events: [ContainerEvent], _ continuation: AsyncStream<ContainerEvent>.Continuation) async {
        for event in events {
            while case .dropped = continuation.yield(event), !Task.isCancelled {
                try? await time.sleep(for: .milliseconds(10))
            }
        }
    }
}

/// Whether a runtime's events cannot be had, so that it is told once and not at every attempt.
final class Outage: Sendable {
    private let isUnderWay = Atomic(false)

    func note(_ error: CRIError, _ logger: Logger) {
        guard !isUnderWay.exchange(true, ordering: .relaxed) else { return }
        logger.warning("the runtime tells no events", metadata: ["cause": "\(error)"])
    }

    func end(_ logger: Logger) {
        guard isUnderWay.exchange(false, ordering: .relaxed) else { return }
        logger.info("the runtime tells its events again")
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

    init() {}

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
