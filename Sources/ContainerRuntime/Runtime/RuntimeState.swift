import CRI

/// A sandbox that this daemon knows.
struct SandboxEntry: Sendable {
    var record: SandboxRecord
    /// Nil before it is spawned and after it has gone.
    var monitor: (any PodMonitoring)?
    /// Follows the monitor's exits; before that, of a sandbox that an earlier daemon made, waits for the monitor.
    var watcher: Task<Void, Never>?
    /// Set once it is decided whether a monitor that an earlier daemon spawned lives; nil where this daemon spawned it.
    var adoption: ExitLatch?
    /// Set once its stop was asked for: nothing is launched in it any more.
    var isStopping = false
    /// Set once its monitor is found gone: it is not ready from then on, though what it holds has yet to be given back.
    var isLost = false
    /// What changes the sandbox or makes and removes its containers, one at a time.
    let turn = Turn()
    /// Writes of its records and of its containers', one at a time.
    let writes = Turn()

    init(_ record: SandboxRecord) {
        self.record = record
    }

    var status: PodSandboxStatus {
        var status = record.status
        if isLost, status.state == .ready {
            status.state = .notReady
            status.isLost = true
        }
        return status
    }
}

struct ContainerEntry: Sendable {
    var record: ContainerRecord
    let exit: ExitLatch
    /// Whether it was said that its writable layer cannot be measured.
    var isUnmeasuredTold = false
    /// Set once it is killed for what it holds, where the kernel holds no limit.
    var isBeyondMemory = false
    /// Set once nobody waits any more for what is labelled for it.
    var isGivenUp = false
    /// Whether the daemon runs hooks for its launch.
    var isHooked = false
    /// The group of those hooks of its that the daemon runs now.
    var hookGroup: String?
    /// So many looks at what it holds are left out.
    var memoryPause = 0

    init(_ record: ContainerRecord) {
        self.record = record
        exit = ExitLatch(exitCode: record.phase == .exited ? record.exitCode : nil)
    }
}

/// All that the runtime knows of the moment, so that a status or a list waits for nothing.
struct RuntimeState: Sendable {
    var sandboxes: [String: SandboxEntry] = [:]
    var containers: [String: ContainerEntry] = [:]
    /// Exec sessions that run, by their ids.
    var sessions: [String: ExitLatch] = [:]
    /// Records that are being written behind; as many as containers are being made.
    var pendingWrites: [Int: Task<Void, Never>] = [:]
    var lastWrite = 0
    /// Nil where the kernel holds limits of memory.
    var memoryWatch: Task<Void, Never>?
    /// Nil until the runtime is open.
    var host: HostFeatures?
    var bootID = ""
    /// Set once the runtime is being closed.
    var isClosed = false
    private var subscribers: [Int: AsyncStream<ContainerEvent>.Continuation] = [:]
    private var lastSubscriber = 0
    var readers = EventReaders<ContainerEvent>()

    func sandbox(_ id: String) throws(CRIError) -> SandboxEntry {
        guard let entry = sandboxes[id] else { throw .notFound("sandbox \(id) is not known") }
        return entry
    }

    func container(_ id: String) throws(CRIError) -> ContainerEntry {
        guard let entry = containers[id] else { throw .notFound("container \(id) is not known") }
        return entry
    }

    /// The sandbox's containers in the order of their making.
    func containers(in sandbox: String) -> [ContainerRecord] {
        containers.values.map(\.record).filter { $0.sandbox == sandbox }
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    // MARK: Events

    mutating func subscribe(_ continuation: AsyncStream<ContainerEvent>.Continuation) -> Int {
        lastSubscriber += 1
        subscribers[lastSubscriber] = continuation
        return lastSubscriber
    }

    mutating func unsubscribe(_ subscriber: Int) {
        subscribers[subscriber] = nil
    }

    /// A subscriber whose buffer is full is cut off: it lists anew.
    mutating func emit(_ kind: ContainerEvent.Kind, container: String, sandbox: String, at time: UnixNanoseconds) {
        let uid = sandboxes[sandbox]?.record.metadata.uid ?? ""
        let event = ContainerEvent(kind: kind, container: container, sandbox: sandbox, podUID: uid, time: time)
        readers.put(event)
        for (subscriber, continuation) in subscribers {
            if case .dropped = continuation.yield(event) {
                // Its handler would come back for the lock that is held here.
                continuation.onTermination = nil
                continuation.finish()
                subscribers[subscriber] = nil
            }
        }
    }
}
