import APIMachinery
import CRI
import Linux
import Logging
import Synchronization

/// The containers of `swiftlet run`. All that is known of them is in the runtime's own records, by the labels of their sandboxes: a detached one is taken
/// up by the next daemon as pods are, and nothing is left that no record speaks of.
struct RunContainers: Sendable {
    struct Run: Sendable {
        var sandbox: PodSandboxStatus
        /// Nil while it is made.
        var container: ContainerStatus?

        var name: String { sandbox.sessionName ?? sandbox.metadata.name }
        var isRunning: Bool { container?.state == .running }
        /// Also where its removal has begun, which leaves the stopped sandbox alone in sight until it is done.
        var hasEnded: Bool { container.map { $0.state == .exited } ?? (sandbox.state == .notReady) }
        var hasStarted: Bool { container.map { $0.state != .created } ?? false }
    }

    let runtime: any RuntimeService
    let logs: RunLogs
    let threads: BlockingThreads
    let time: any TimeSource
    let logger: Logger
    private let names = RunNames()
    let ends = RunEnds()

    init(
        runtime: any RuntimeService, logs: RunLogs, threads: BlockingThreads, time: any TimeSource, logger: Logger
    ) {
        self.runtime = runtime
        self.logs = logs
        self.threads = threads
        self.time = time
        self.logger = logger
    }

    /// What a container has to end by itself where nothing is said.
    static let grace = Duration.seconds(10)

    /// Of `sandbox` alone where it is given.
    func list(sandbox: String? = nil) async throws(CRIError) -> [Run] {
        let sandboxes = try await runtime.listPodSandboxes(PodSandboxFilter(id: sandbox))
        var runs: [Run] = []
        for sandbox in sandboxes where sandbox.sessionName != nil {
            let containers = try await runtime.listContainers(ContainerFilter(sandbox: sandbox.id))
            runs.append(Run(sandbox: sandbox, container: containers.first))
        }
        return runs
    }

    /// - Parameter text: its name, or how its container's id begins.
    func named(_ text: String) async throws(CRIError) -> Run {
        let runs = try await list()
        if let run = runs.first(where: { $0.name == text }) { return run }
        let found = runs.filter { !text.isEmpty && $0.container?.id.hasPrefix(text) ?? false }
        guard found.count < 2 else { throw .invalid("\(found.count) containers' ids begin with \"\(text)\"") }
        guard let run = found.first else {
            throw .notFound(
                "`swiftlet run` has made no container \(text); `swiftlet ps --all` lists them as (run)/NAME. "
                    + "What is a pod's ends with the pod: `kubectl delete pod`")
        }
        return run
    }

    /// Makes a sandbox under a name that no other has, not even one that is being made at the same time. The name is taken while `make` runs; from then on
    /// the runtime's record has it.
    /// - Throws: who has the name.
    func named<Value: Sendable>(
        new name: String, _ make: () async throws(CRIError) -> Value
    ) async throws(CRIError) -> Value {
        let wayOut = "give this one another --name"
        guard names.take(name) else {
            throw .invalid("a container named \(name) is being made by another `swiftlet run`: \(wayOut)")
        }
        defer { names.giveBack(name) }
        if let other = try await list().first(where: { $0.name == name }) {
            let state =
                other.hasEnded
                ? "is there and has ended: `swiftlet rm \(name)` removes it"
                : "runs already: `swiftlet rm --force \(name)` ends it"
            throw .invalid("a container named \(name) \(state), or \(wayOut)")
        }
        return try await make()
    }

    // MARK: - Their ends

    /// Ends it, by force when the grace is over. One that has ended stays as it is.
    /// - Parameter grace: nil: its own.
    /// - Returns: its name.
    func stop(_ text: String, grace: Duration? = nil) async throws(CRIError) -> String {
        let run = try await named(text)
        if let container = run.container {
            try await runtime.stopContainer(container.id, timeout: grace ?? run.sandbox.sessionGrace ?? Self.grace)
        }
        guard await isSettled(run.sandbox.id) else {
            throw .failed(
                "container \(run.name) has ended, but what it held could not be given back; the daemon's log says why"
            )
        }
        return run.name
    }

    /// Takes it away with what it wrote. One that somebody is joined to is ended, and goes with its session.
    /// - Throws: where it runs, unless `force` is given.
    func remove(_ text: String, force: Bool) async throws(CRIError) -> String {
        let run = try await named(text)
        guard force || run.hasEnded else {
            throw .invalid(
                "container \(run.name) runs; end it with `swiftlet stop \(run.name)` first, or give --force")
        }
        if !run.sandbox.isDetached, let container = run.container {
            try await runtime.stopContainer(container.id, timeout: .zero)
        } else {
            try await takeAway(run.sandbox)
        }
        return run.name
    }

    /// Ends all that are detached: the machine shuts down.
    func stopAll(grace: Duration) async {
        let runs = (try? await list()) ?? []
        await withDiscardingTaskGroup { group in
            for run in runs where run.sandbox.isDetached && run.isRunning {
                group.addTask { _ = try? await stop(run.name, grace: grace) }
            }
        }
    }

    /// After each failure to settle what has ended it waits so long and tries again. What fails ten times is left to the daemon's next start, or to `rm`.
    static let pauses: [Duration] = [1, 2, 5, 10, 30, 60, 120, 300, 600].map { .seconds($0) }

    /// Gives back what ended containers hold: the address, the ports, the monitor; and all of it where they were to be removed. Returns when its task is cancelled.
    func keep() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                // Before the list, so that no end falls between the two.
                let events = runtime.containerEvents()
                group.addTask { await settle(in: nil) }
                for await event in events where event.kind == .stopped {
                    // One that fails and waits holds up no other.
                    group.addTask { await settle(in: event.sandbox) }
                }
            }
        }
    }

    /// What has ended of one sandbox, or of all.
    private func settle(in sandbox: String?) async {
        for pause in Self.pauses {
            if await isSettled(sandbox) { return }
            guard (try? await time.sleep(for: pause)) != nil else { return }
        }
        if await isSettled(sandbox) { return }
        logger.error(
            "container given up for settling: `swiftlet rm` or the daemon's next start clears it away",
            metadata: ["sandbox": "\(sandbox ?? "any")"])
    }

    /// Settles it now where it is not.
    private func isSettled(_ sandbox: String?) async -> Bool {
        do throws(CRIError) {
            var areAll = true
            for run in try await list(sandbox: sandbox) where await !isSettled(run) { areAll = false }
            return areAll
        } catch {
            logger.warning("ended containers not listed", metadata: ["cause": "\(error)"])
            return false
        }
    }

    private func isSettled(_ run: Run) async -> Bool {
        guard run.sandbox.isDetached, run.hasEnded else { return true }
        do throws(CRIError) {
            if run.sandbox.isRemovedAtEnd {
                try await takeAway(run.sandbox)
            } else if run.sandbox.state == .ready {
                try await runtime.stopPodSandbox(run.sandbox.id)
            }
            return true
        } catch {
            logger.warning("container not settled", metadata: ["name": "\(run.name)", "cause": "\(error)"])
            return false
        }
    }

    /// Takes away what sessions of an earlier daemon have left: nobody is there any more to see them end. So too what it had not started yet, and logs of none.
    /// Of one whose record cannot be read the log stays.
    func clearLost() async {
        guard let runs = try? await list() else { return }
        let lost = runs.filter { !$0.sandbox.isDetached || !$0.hasStarted }
        for run in lost {
            logger.info("taking away a container whose session is gone", metadata: ["name": "\(run.name)"])
            do throws(CRIError) {
                try await runtime.stopPodSandbox(run.sandbox.id)
                try await runtime.removePodSandbox(run.sandbox.id)
            } catch {
                logger.error("container not cleared away", metadata: ["name": "\(run.name)", "cause": "\(error)"])
            }
        }
        // What had not started has written nothing: a log says that it had, and that its container's record is lost.
        let known = Set(runs.map(\.sandbox.metadata.uid)).subtracting(lost.map(\.sandbox.metadata.uid))
        let logs = logs
        do throws(KernelError) {
            let kept = try await threads.run("clear logs") { () throws(KernelError) in try logs.sweep(known: known) }
            for path in kept {
                logger.warning(
                    "log kept of a container of which no record speaks; `swiftlet doctor --fix` removes it",
                    metadata: ["path": "\(path)"])
            }
        } catch {
            logger.error("logs of containers not cleared away", metadata: ["cause": "\(error)"])
        }
    }

    /// As `takeAway`; a failure is logged.
    func clear(_ sandbox: PodSandboxStatus) async {
        do throws(CRIError) {
            try await takeAway(sandbox)
        } catch {
            logger.error("container not cleared away", metadata: ["sandbox": "\(sandbox.id)", "cause": "\(error)"])
        }
    }

    private func takeAway(_ sandbox: PodSandboxStatus) async throws(CRIError) {
        try await runtime.stopPodSandbox(sandbox.id)
        for container in try await runtime.listContainers(ContainerFilter(sandbox: sandbox.id)) {
            ends.note(container)
        }
        // Before its record: a log without one is kept.
        let path = logs.path(of: sandbox.metadata.uid)
        do throws(KernelError) {
            try await threads.run("remove log") { () throws(KernelError) in try TreeRemoval.remove(path) }
        } catch {
            throw .failed("log of container \(sandbox.metadata.name): \(error)")
        }
        try await runtime.removePodSandbox(sandbox.id)
    }
}

/// Names of containers whose sandboxes are being made: the runtime lists those only when they are there.
private final class RunNames: Sendable {
    private let taken = Mutex<Set<String>>([])

    /// - Returns: false where another has it.
    func take(_ name: String) -> Bool { taken.withLock { $0.insert(name).inserted } }

    func giveBack(_ name: String) { taken.withLock { _ = $0.remove(name) } }
}
