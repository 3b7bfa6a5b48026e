import CRI
import Linux
import Logging

/// What becomes of containers that have ended.
extension RunContainers {
    /// After each failure to settle what has ended it waits so long and tries again. What fails ten times is left to the daemon's next start, or to `rm`.
    static let pauses: [Duration] = [1, 2, 5, 10, 30, 60, 120, 300, 600].map { .seconds($0) }

    /// Gives back what ended containers hold: the address, the ports, the monitor; and all of it where they were to be removed. Returns when its task is cancelled.
    func keep() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await settleAgain() }
            while !Task.isCancelled {
                // Before the list, so that no end falls between the two.
                let events = runtime.containerEvents()
                group.addTask { await settleAll() }
                for await event in events where event.kind == .stopped {
                    // One that fails and waits holds up no other.
                    group.addTask { await settle(in: event.sandbox) }
                }
            }
        }
    }

    private func settleAll() async {
        for pause in Self.pauses {
            do throws(CRIError) {
                let runs = try await list()
                return await withDiscardingTaskGroup { group in
                    for run in runs { group.addTask { await settle(in: run.sandbox.id) } }
                }
            } catch {
                logger.warning("ended containers not listed", metadata: ["cause": "\(error)"])
            }
            guard (try? await time.sleep(for: pause)) != nil else { return }
        }
    }

    /// What was left by a start that failed, of which no event tells.
    private func settleAgain() async {
        await withDiscardingTaskGroup { group in
            for await sandbox in unsettled.waiting {
                group.addTask {
                    var isSettled = false
                    repeat { isSettled = await settles(sandbox) } while !unsettled.isDone(sandbox)
                    if isSettled { await follow(sandbox) }
                }
            }
        }
    }

    /// What has ended of a sandbox; and starts it again where its policy says so.
    private func settle(in sandbox: String) async {
        if await settles(sandbox) { await follow(sandbox) }
    }

    /// - Returns: false where it is given up, or the task is cancelled.
    private func settles(_ sandbox: String) async -> Bool {
        for pause in Self.pauses {
            if await isSettled(sandbox) { return true }
            guard (try? await time.sleep(for: pause)) != nil else { return false }
        }
        if await isSettled(sandbox) { return true }
        unsettled.giveUp(sandbox)
        changes.tell()
        logger.error(
            "container given up for settling: `swiftlet rm --force` or the daemon's next start clears it away",
            metadata: ["sandbox": "\(sandbox)"])
        return false
    }

    /// Settles it now where it is not.
    func isSettled(_ sandbox: String) async -> Bool {
        do throws(CRIError) {
            var areAll = true
            for run in try await list(sandbox: sandbox) {
                let isDone = try await turns.take(run.name) { () async throws(CRIError) in
                    await isSettled(inTurn: run)
                }
                if !isDone { areAll = false }
            }
            return areAll
        } catch {
            logger.warning("ended containers not listed", metadata: ["cause": "\(error)"])
            return false
        }
    }

    /// Its turn is held.
    func isSettled(inTurn run: Run) async -> Bool {
        do throws(CRIError) {
            for run in try await list(sandbox: run.sandbox.id) where run.sandbox.isDetached { try await settle(run) }
            return true
        } catch {
            logger.warning("container not settled", metadata: ["name": "\(run.name)", "cause": "\(error)"])
            return false
        }
    }

    /// Its turn is held.
    func settle(_ run: Run) async throws(CRIError) {
        for other in run.others { try await runtime.removeContainer(other.id) }
        guard run.hasEnded else { return }
        if run.sandbox.isRemovedAtEnd {
            try await takeAway(run.sandbox)
        } else {
            // It is not ready either while something of it is left that could not be given back.
            try await runtime.stopPodSandbox(run.sandbox.id)
        }
        unsettled.remove(run.sandbox.id)
    }

    /// Takes away what sessions of an earlier daemon have left: nobody is there any more to see them end. So too what it had not started yet, and logs of none;
    /// not a later attempt, which has the layer of those before it, whatever its record says.
    /// Of one whose record cannot be read the log stays.
    func clearLost() async {
        guard let runs = try? await list() else { return }
        let lost = runs.filter { !$0.sandbox.isDetached || !$0.hasStarted && !$0.isLaterAttempt }
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

    /// As `takeAway`; a failure is logged. Its turn is held, where it is detached.
    func clear(_ sandbox: PodSandboxStatus) async {
        do throws(CRIError) {
            try await takeAway(sandbox)
        } catch {
            logger.error("container not cleared away", metadata: ["sandbox": "\(sandbox.id)", "cause": "\(error)"])
        }
    }

    func takeAway(_ sandbox: PodSandboxStatus) async throws(CRIError) {
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
        unsettled.remove(sandbox.id)
    }
}
