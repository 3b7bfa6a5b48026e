import CRI
import Logging
import Synchronization

/// Ended containers that are started again: by their user, or by their policy. Each time it is a new container in a new sandbox, under the same name, with the
/// same log, which goes on with the writable layer of the one before; that one is then removed. A daemon that is killed meanwhile leaves both, and the next one
/// removes whichever does not run.
extension RunContainers {
    /// One that runs stays as it is.
    /// - Returns: its name.
    func start(_ text: String) async throws(CRIError) -> String {
        let run = try await named(text)
        if run.isRunning { return run.name }
        _ = try spec(of: run)
        try await runtime.mark(sandbox: run.sandbox.id, [PodSandboxStatus.stoppedLabel: "false"])
        try await startAgain(run, restarts: 0, pause: nil)
        return run.name
    }

    /// Ends it, by force when the grace is over, and starts it again.
    /// - Parameter grace: nil: its own.
    func restart(_ text: String, grace: Duration?) async throws(CRIError) -> String {
        let run = try await named(text)
        _ = try spec(of: run)
        _ = try await stop(run.name, grace: grace)
        return try await start(run.name)
    }

    /// What it was asked for.
    /// - Throws: where it cannot be started again.
    private func spec(of run: Run) throws(CRIError) -> RunSpec {
        guard run.sandbox.isDetached else {
            throw .invalid("container \(run.name) belongs to the command that runs it, and goes with it")
        }
        guard !run.sandbox.isRemovedAtEnd else {
            throw .invalid("container \(run.name) was made with --rm: it goes when it ends")
        }
        guard let spec = RunSpec(kept: run.sandbox) else {
            throw .invalid("container \(run.name) was made by another version of the daemon: `swiftlet rm \(run.name)`")
        }
        return spec
    }

    private func startAgain(_ run: Run, restarts: UInt32, pause: Duration?) async throws(CRIError) {
        let spec = try spec(of: run)
        guard names.take(spec.name) else { throw .invalid("container \(spec.name) is being started already") }
        defer { names.giveBack(spec.name) }
        guard let former = run.container, run.hasEnded else { throw .invalid("container \(spec.name) is being made") }
        try await runtime.stopPodSandbox(run.sandbox.id)
        try await checkPorts(spec.ports)
        var config = sandbox(spec, uid: run.sandbox.metadata.uid)
        config.metadata.attempt = run.sandbox.metadata.attempt &+ 1
        config.labels[PodSandboxStatus.restartsLabel] = String(restarts)
        if let pause { config.labels[PodSandboxStatus.pauseLabel] = String(pause.wholeMilliseconds) }
        var container = spec.container()
        container.metadata.attempt = config.metadata.attempt
        (container.imageID, container.predecessor) = (former.imageID, former.id)
        let id = try await runtime.runPodSandbox(config)
        do throws(CRIError) {
            let next = try await runtime.createContainer(sandbox: id, config: container, sandboxConfig: config)
            try await runtime.startContainer(next)
        } catch {
            try? await runtime.removePodSandbox(id)
            throw error
        }
        // Its user may have stopped it meanwhile.
        if try await runtime.podSandboxStatus(run.sandbox.id).isStopped { _ = try await stop(spec.name) }
        ends.note(former)
        do throws(CRIError) { try await runtime.removePodSandbox(run.sandbox.id) } catch {
            logger.warning("former container not removed", metadata: ["name": "\(run.name)", "cause": "\(error)"])
        }
    }

    // MARK: By its policy

    func settleAndFollow(in sandbox: String?) async {
        await settle(in: sandbox)
        let runs = (try? await list()) ?? []
        await withDiscardingTaskGroup { group in
            for run in runs where (sandbox ?? run.sandbox.id) == run.sandbox.id && run.hasEnded && !run.isSuperseded {
                group.addTask { await followPolicy(run) }
            }
        }
    }

    /// Starts it again as often as its policy says and it cannot be started. Returns when it runs, or is to stay as it is.
    func followPolicy(_ run: Run) async {
        guard pending.take(run.sandbox.id) else { return }
        defer { pending.giveBack(run.sandbox.id) }
        var (restarts, waited) = (run.sandbox.restarts, run.sandbox.restartPause)
        while let former = run.container, let pause = pause(of: run, restarts, waited) {
            guard (try? await time.sleep(for: pause)) != nil else { return }
            // Its user may have stopped, started or removed it meanwhile.
            guard let now = try? await list().first(where: { $0.sandbox.id == run.sandbox.id }),
                !now.sandbox.isStopped, now.container?.state == .exited
            else { return }
            (restarts, waited) = (restarts &+ 1, pause)
            logger.info(
                "starting a container again",
                metadata: [
                    "name": "\(run.name)", "exitCode": "\(former.exitCode)", "times": "\(restarts)",
                    "after": "\(pause)",
                ])
            do throws(CRIError) { return try await startAgain(run, restarts: restarts, pause: pause) } catch {
                logger.warning("container not started again", metadata: ["name": "\(run.name)", "cause": "\(error)"])
            }
        }
    }

    /// Nil where nothing starts it again.
    private func pause(of run: Run, _ restarts: UInt32, _ waited: Duration?) -> Duration? {
        guard !run.sandbox.isStopped, let container = run.container, let spec = RunSpec(kept: run.sandbox) else {
            return nil
        }
        let isFirst = restarts == run.sandbox.restarts && container.startedAt > 0
        let ran = isFirst ? max(0, container.finishedAt - container.startedAt) : 0
        return spec.restart.pause(
            afterExit: container.exitCode, ran: .nanoseconds(ran), restarts: restarts, pause: waited)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

/// What one task at a time has to do with: names of containers whose sandboxes are being made, which the runtime lists only when they are there.
final class RunNames: Sendable {
    private let taken = Mutex<Set<String>>([])

    /// - Returns: false where another has it.
    func take(_ name: String) -> Bool { taken.withLock { $0.insert(name).inserted } }

    func giveBack(_ name: String) { taken.withLock { _ = $0.remove(name) } }
}
