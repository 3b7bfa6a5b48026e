import APIMachinery
import CRI
import ContainerRuntime
import Glibc
import Linux
import Logging
import Synchronization

/// The containers of `swiftlet run`. All that is known of them is in the runtime's own records, by the labels of their sandboxes: a detached one is taken
/// up by the next daemon as pods are, and nothing is left that no record speaks of.
///
/// What changes one takes the turn of its name, and looks anew when it has it. A stop gives the turn back while the container has its time to end: what was
/// wanted stands in the record by then.
struct RunContainers: Sendable {
    struct Run: Sendable {
        var sandbox: PodSandboxStatus
        /// The last that has started, or is to be the first to; nil while it is made.
        var container: ContainerStatus?
        /// Those that it has started after, and one that could not be started after it.
        var others: [ContainerStatus] = []
        /// What it holds could not be given back, and it is not tried any more.
        var isGivenUp = false

        var name: String { sandbox.sessionName ?? sandbox.metadata.name }
        var isRunning: Bool { container?.state == .running }
        /// Also where its removal has begun, which leaves the stopped sandbox alone in sight until it is done.
        var hasEnded: Bool { container.map { $0.state == .exited } ?? (sandbox.state == .notReady) }
        var hasStarted: Bool { container.map { $0.state != .created } ?? false }
        var isLaterAttempt: Bool { container.map { $0.metadata.attempt > 0 } ?? false }
    }

    let runtime: any ResumableRuntime
    /// How the sandbox of a container with this uid is asked for; fails where it cannot have what it needs of the machine.
    let sandbox: @Sendable (RunSpec, String) async throws(CRIError) -> PodSandboxConfig
    let logs: RunLogs
    let threads: BlockingThreads
    let time: any TimeSource
    let logger: Logger
    private let names = RunNames()
    let turns = KeyedTurns<String>()
    /// Containers that are being stopped.
    let ending = EndingContainers()
    let stops = PendingStops()
    let followed = FollowedContainers()
    let ends = RunEnds()
    let changes = RunChanges()
    let unsettled = UnsettledSandboxes()

    init(
        runtime: any ResumableRuntime,
        sandbox: @escaping @Sendable (RunSpec, String) async throws(CRIError) -> PodSandboxConfig, logs: RunLogs,
        threads: BlockingThreads, time: any TimeSource, logger: Logger
    ) {
        self.runtime = runtime
        self.sandbox = sandbox
        self.logs = logs
        self.threads = threads
        self.time = time
        self.logger = logger
    }

    /// What a container has to end by itself where nothing is said.
    static let grace = Duration.seconds(10)

    /// What its users wait for others to be done with it. A start may take as long as its hooks.
    static let patience = Duration.seconds(120)

    /// Of `sandbox` alone where it is given.
    func list(sandbox: String? = nil) async throws(CRIError) -> [Run] {
        let sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter(id: sandbox))
        var runs: [Run] = []
        for sandbox in sandboxes where sandbox.sessionName != nil {
            let containers = try await runtime.listContainers(ContainerFilter(sandbox: sandbox.id))
            var run = Run(sandbox, containers)
            run.isGivenUp = unsettled.isGivenUp(sandbox.id)
            runs.append(run)
        }
        return runs
    }

    /// - Parameter text: its name, or how its id begins.
    func named(_ text: String) async throws(CRIError) -> Run {
        let runs = try await list()
        if let run = runs.first(where: { $0.name == text }) { return run }
        let found = runs.filter { $0.hasID(text) }
        guard found.count < 2 else { throw .invalid("\(found.count) containers' ids begin with \"\(text)\"") }
        guard let run = found.first else {
            throw .notFound(
                "`swiftlet run` has made no container \(text); `swiftlet ps --all` lists them as (run)/NAME. "
                    + "What is a pod's ends with the pod: `kubectl delete pod`")
        }
        return run
    }

    /// Makes a container under a name that no other has, not even one that is being made at the same time. The name is taken while `make` runs, and its turn
    /// held; from then on the runtime's record has it.
    /// - Throws: who has the name.
    func named<Value: Sendable>(
        new name: String, _ make: @Sendable () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let wayOut = "give this one another --name"
        guard names.take(name) else {
            throw .invalid("a container named \(name) is being made by another `swiftlet run`: \(wayOut)")
        }
        defer { names.giveBack(name) }
        return try await turns.take(name) { () async throws(CRIError) in
            if let other = try await list().first(where: { $0.name == name }) {
                let state =
                    other.hasEnded && !other.isToRestart
                    ? "is there and has ended: `swiftlet rm \(name)` removes it"
                    : "runs already: `swiftlet rm --force \(name)` ends it"
                throw .invalid("a container named \(name) \(state), or \(wayOut)")
            }
            return try await make()
        }
    }

    /// - Parameters:
    ///   - limit: what it waits for others to be done with it; nil: as long as they take.
    ///   - ends: whether it ends the container: what was being started has been told to end by then.
    ///   - body: with the container as it is when its turn has come.
    func inTurn<Value: Sendable>(
        of run: Run, within limit: Duration? = patience, ends: Bool = false,
        _ body: @Sendable (Run) async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let patience = limit.map { limit in
            let hint =
                ends ? "the daemon's log says what for" : "`swiftlet stop \(run.name)` ends a start that hangs"
            let text =
                "container \(run.name) has been held by another command or its restart for \(limit.components.seconds) s: \(hint)"
            return Patience(limit, time, .timedOut(text))
        }
        return try await turns.take(run.name, patience) { () async throws(CRIError) in
            guard let now = try await list(sandbox: run.sandbox.id).first else {
                throw .notFound("container \(run.name) was removed meanwhile")
            }
            return try await body(now)
        }
    }

    /// Writes down whether its user wants it ended. Its turn is held, but by who ends a start.
    func mark(_ run: Run, isStopped: Bool) async throws(CRIError) {
        guard run.sandbox.isDetached else { return }
        try await runtime.mark(sandbox: run.sandbox.id, [PodSandboxStatus.stoppedLabel: isStopped ? "true" : "false"])
        changes.tell()
    }

    // MARK: - Their ends

    /// Ends it, by force when the grace is over. One that has ended stays as it is.
    /// - Parameter grace: nil: its own.
    /// - Returns: its name.
    func stop(_ text: String, grace: Duration? = nil) async throws(CRIError) -> String {
        let found = try await named(text)
        try await endLaunch(of: found)
        let run = try await inTurn(of: found, ends: true) { run throws(CRIError) in
            try await mark(run, isStopped: true)
            if let id = run.container?.id { ending.add(id) }
            return run
        }
        defer { if let id = run.container?.id { removeEnding(id) } }
        try await end(run, grace: grace)
        return run.name
    }

    /// Ends a start of it that is under way, which holds its turn for as long as its hooks run and the monitor needs: it fails, and no policy tries again.
    private func endLaunch(of run: Run) async throws(CRIError) {
        guard run.sandbox.isDetached, !run.isRunning else { return }
        try await mark(run, isStopped: true)
        // Who runs by now has its grace.
        if let now = try await list(sandbox: run.sandbox.id).first, now.isRunning { return }
        // What stands in the way of this does so again when its turn has come.
        try? await runtime.stopPodSandbox(run.sandbox.id)
    }

    /// Its attempt of this id is not being ended any more.
    func removeEnding(_ id: String) {
        ending.remove(id)
        changes.tell()
    }

    /// Its turn is not held: others may end it sooner.
    func end(_ run: Run, grace: Duration?) async throws(CRIError) {
        if let container = run.container {
            let grace = grace ?? run.sandbox.sessionGrace ?? Self.grace
            try await stops.carryOut(run.name) { [runtime] () async throws(CRIError) in
                try await runtime.stopContainer(container.id, timeout: grace)
            }
        }
        guard await isSettled(run.sandbox.id) else {
            throw .failed(
                "container \(run.name) has ended, but what it held could not be given back; the daemon's log says why"
            )
        }
    }

    /// Sends it a signal. One that ends it says that its user wants it ended; so too while it waits to be started again.
    /// - Returns: its name.
    func kill(_ text: String, signal: Int32) async throws(CRIError) -> String {
        try await inTurn(of: try await named(text)) { run throws(CRIError) in
            let isEnd = signal == SIGKILL || signal == run.container.flatMap { SignalNames.number($0.stopSignal) }
            guard let container = run.container, run.isRunning || isEnd && run.isToRestart else {
                throw .invalid("container \(run.name) does not run: there is nothing to send a signal to")
            }
            if isEnd { try await mark(run, isStopped: true) }
            guard run.isRunning else { return run.name }
            do throws(CRIError) {
                try await runtime.signal(container: container.id, signal)
            } catch {
                if isEnd && !run.sandbox.isStopped { try? await mark(run, isStopped: false) }
                throw error
            }
            return run.name
        }
    }

    /// Takes it away with what it wrote. One that somebody is joined to is ended, and goes with its session.
    /// - Throws: where it runs, unless `force` is given.
    func remove(_ text: String, force: Bool) async throws(CRIError) -> String {
        let found = try await named(text)
        do throws(CRIError) {
            if force { try await endLaunch(of: found) }
            return try await inTurn(of: found, ends: force) { run throws(CRIError) in
                guard force || run.hasEnded && !run.isToRestart else {
                    let state = run.hasEnded ? "is to be started again" : "runs"
                    throw .invalid(
                        "container \(run.name) \(state); end it with `swiftlet stop \(run.name)` first, or give --force"
                    )
                }
                if !run.sandbox.isDetached, let container = run.container {
                    try await runtime.stopContainer(container.id, timeout: .zero)
                } else {
                    try await mark(run, isStopped: true)
                    try await takeAway(run.sandbox)
                }
                return run.name
            }
        } catch .notFound where force {
            // Who was making it has taken it away.
            return found.name
        }
    }

    /// Ends all that are detached: the machine shuts down.
    func stopAll(grace: Duration) async {
        let runs = (try? await list()) ?? []
        await withDiscardingTaskGroup { group in
            for run in runs where run.sandbox.isDetached {
                group.addTask { _ = try? await stop(run.name, grace: grace) }
            }
        }
    }
}

extension RunContainers.Run {
    /// - Parameter containers: all of its sandbox.
    init(_ sandbox: PodSandboxStatus, _ containers: [ContainerStatus]) {
        self.sandbox = sandbox
        let attempts = containers.sorted { $0.metadata.attempt < $1.metadata.attempt }
        container = attempts.last { $0.startedAt != 0 } ?? attempts.first
        others = attempts.filter { $0.id != container?.id }
    }
}

/// Names of containers whose sandboxes are being made: the runtime lists those only when they are there.
private final class RunNames: Sendable {
    private let taken = Mutex<Set<String>>([])

    /// - Returns: false where another has it.
    func take(_ name: String) -> Bool { taken.withLock { $0.insert(name).inserted } }

    func giveBack(_ name: String) { taken.withLock { _ = $0.remove(name) } }
}
