import CRI

/// The state machine behind `FakeRuntimeService`.
struct FakeRuntimeState: Sendable {
    struct Sandbox: Sendable {
        var config: PodSandboxConfig
        var status: PodSandboxStatus
    }

    struct Container: Sendable {
        var config: ContainerConfig
        var status: ContainerStatus
    }

    var sandboxes: [String: Sandbox] = [:]
    var containers: [String: Container] = [:]
    var calls: [FakeRuntimeService.Call] = []
    var failures: [FakeRuntimeOperation: [CRIError]] = [:]
    var lastingFailures: [FakeRuntimeOperation: CRIError] = [:]
    var gates: [FakeRuntimeOperation: FakeGate] = [:]
    var execs: [String: @Sendable ([String]) -> ExecResult] = [:]
    var addresses = ["10.42.0.2"]
    var hasUserNamespaces = false
    static let conditions = [
        RuntimeStatus.Condition(type: "RuntimeReady", isTrue: true),
        RuntimeStatus.Condition(type: "NetworkReady", isTrue: true),
    ]
    private var subscribers: [Int: AsyncStream<ContainerEvent>.Continuation] = [:]
    private var counter = 0
    private var ticks: UnixNanoseconds = 1_000_000_000
    private let clock: (@Sendable () -> UnixNanoseconds)?

    init(now: (@Sendable () -> UnixNanoseconds)?) {
        clock = now
    }

    // MARK: The record and the scripts

    mutating func record(_ operation: FakeRuntimeOperation, _ object: String) -> FakeGate? {
        calls.append(.init(operation: operation, object: object))
        return gates[operation]
    }

    mutating func scriptedFailure(of operation: FakeRuntimeOperation) -> CRIError? {
        if var queue = failures[operation], !queue.isEmpty {
            let error = queue.removeFirst()
            failures[operation] = queue
            return error
        }
        return lastingFailures[operation]
    }

    // MARK: Sandboxes

    mutating func runSandbox(_ config: PodSandboxConfig) -> String {
        let id = nextID("sandbox")
        var status = PodSandboxStatus(id: id, metadata: config.metadata, state: .ready, createdAt: now())
        status.addresses = config.network == .node ? [] : addresses
        status.labels = config.labels
        status.annotations = config.annotations
        status.network = config.network
        sandboxes[id] = Sandbox(config: config, status: status)
        return id
    }

    mutating func stopSandbox(_ id: String) {
        guard sandboxes[id]?.status.state == .ready else { return }
        for container in containers.values where container.status.sandbox == id {
            end(container.status.id, code: 137, reason: nil)
        }
        sandboxes[id]?.status.state = .notReady
        sandboxes[id]?.status.addresses = []
        emitSandbox(.stopped, id)
    }

    mutating func resumeSandbox(_ id: String) throws(CRIError) {
        guard try sandbox(id).status.state == .notReady else { throw .invalid("sandbox \(id) is not stopped") }
        sandboxes[id]?.status.state = .ready
        sandboxes[id]?.status.addresses = addresses
        emitSandbox(.started, id)
    }

    mutating func mark(sandbox id: String, _ labels: [String: String]) throws(CRIError) {
        guard sandboxes[id] != nil else { throw .notFound("sandbox \(id) is not known") }
        sandboxes[id]?.status.labels.merge(labels) { $1 }
    }

    mutating func crash(_ id: String) {
        stopSandbox(id)
    }

    mutating func removeSandbox(_ id: String) {
        guard sandboxes[id] != nil else { return }
        stopSandbox(id)
        for container in containers.values where container.status.sandbox == id {
            removeContainer(container.status.id)
        }
        emitSandbox(.deleted, id)
        sandboxes[id] = nil
    }

    func sandbox(_ id: String) throws(CRIError) -> Sandbox {
        guard let sandbox = sandboxes[id] else { throw .notFound("sandbox \(id) is not known") }
        return sandbox
    }

    func list(_ filter: PodSandboxFilter) -> [PodSandboxStatus] {
        sandboxes.values.map(\.status)
            .filter { filter.id == nil || filter.id == $0.id }
            .filter { filter.state == nil || filter.state == $0.state }
            .filter { filter.podUID == nil || filter.podUID == $0.metadata.uid }
            .filter { $0.labels.carry(filter.labels) }
            .sorted { $0.id < $1.id }
    }

    // MARK: Events

    mutating func subscribe(_ continuation: AsyncStream<ContainerEvent>.Continuation) -> Int {
        counter += 1
        subscribers[counter] = continuation
        return counter
    }

    mutating func unsubscribe(_ subscriber: Int) {
        subscribers[subscriber] = nil
    }

    mutating func cutSubscribers() {
        for continuation in subscribers.values {
            // Its handler would come back for the lock that is held here.
            continuation.onTermination = nil
            continuation.finish()
        }
        subscribers = [:]
    }

    mutating func emit(_ kind: ContainerEvent.Kind, container: String, sandbox: String) {
        let event = ContainerEvent(
            kind: kind, container: container, sandbox: sandbox,
            podUID: sandboxes[sandbox]?.status.metadata.uid ?? "", time: now())
        for (subscriber, continuation) in subscribers {
            if case .dropped = continuation.yield(event) {
                // Its handler would come back for the lock that is held here.
                continuation.onTermination = nil
                continuation.finish()
                subscribers[subscriber] = nil
            }
        }
    }

    private mutating func emitSandbox(_ kind: ContainerEvent.Kind, _ id: String) {
        emit(kind, container: id, sandbox: id)
    }

    // MARK: Names and times

    mutating func nextID(_ prefix: String) -> String {
        counter += 1
        let digits = String(counter)
        return prefix + "-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    mutating func now() -> UnixNanoseconds {
        ticks += 1
        return clock?() ?? ticks
    }
}
