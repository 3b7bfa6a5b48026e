import CRI
import Linux
import Logging

extension NodeRuntime {
    /// How long killed processes may take to be gone. The kernel needs milliseconds; more means a process stuck in a driver or a network mount.
    static let killDeadline = Duration.seconds(10)

    package func stopPodSandbox(_ id: String) async throws(CRIError) {
        guard let entry = await beginStop(id) else { return }
        try await entry.turn.take { [self] () async throws(CRIError) in try await stop(id) }
    }

    package func removePodSandbox(_ id: String) async throws(CRIError) {
        guard let entry = await beginStop(id) else { return }
        try await entry.turn.take { [self] () async throws(CRIError) in
            try await stop(id)
            try await remove(id)
        }
    }

    /// Lets no launch begin any more, and ends those under way: they hold the sandbox's turn for as long as their hooks run.
    private func beginStop(_ id: String) async -> SandboxEntry? {
        change(sandbox: id) { $0.isStopping = true }
        guard let entry = state.withLock({ $0.sandboxes[id] }) else { return nil }
        guard let monitor = entry.monitor else { return entry }
        var pause = Duration.milliseconds(10)
        while await !endLaunches(in: id, by: monitor) {
            do { try await dependencies.time.sleep(for: pause) } catch { break }
            pause = min(pause * 2, .seconds(1))
        }
        return entry
    }

    /// False while a launch has begun of which the monitor does not know yet.
    private func endLaunches(in sandbox: String, by monitor: any PodMonitoring) async -> Bool {
        var areEnded = true
        let (entry, containers) = state.withLock { state in
            (state.sandboxes[sandbox], state.containers.values.filter { $0.record.sandbox == sandbox })
        }
        guard let entry else { return true }
        for container in containers {
            let record = container.record
            if container.isHooked {
                await endHooks(of: record, in: entry.record)
                areEnded = false
            }
            guard record.phase == .creating || record.phase == .created else { continue }
            do throws(PodMonitorError) {
                try await monitor.kill(record.id)
            } catch .notFound where record.phase == .creating {
                areEnded = false
            } catch {
                logger.debug("no launch to end", metadata: ["container": "\(record.id)", "cause": "\(error)"])
            }
        }
        return areEnded
    }

    /// Ends all that runs and gives back what the sandbox holds of the node, step by step; any of it may have been done before. Its turn is held.
    func stop(_ id: String) async throws(CRIError) {
        guard let entry = state.withLock({ $0.sandboxes[id] }) else { return }
        let record = entry.record
        let wasReady = record.phase == .ready
        if record.phase == .notReady { return }
        await killContainers(of: id, by: entry.monitor)
        if let monitor = entry.monitor {
            await takeBackDevices(of: record, by: monitor)
            do throws(PodMonitorError) {
                try await monitor.shutdown()
                reach(.monitorShutDown)
            } catch {
                logger.debug("monitor gone before its shutdown", metadata: ["pod": "\(record.podName)"])
            }
            // A further attempt at what follows asks none any more.
            change(sandbox: id) { $0.monitor = nil }
        }
        try await release(record)
        buryContainers(of: id, "the pod's sandbox was stopped")
        for container in state.withLock({ $0.containers(in: id) }) { try await persist(container: container.id) }
        change(sandbox: id) { entry in
            if entry.record.phase != .removing { entry.record.phase = .notReady }
        }
        try await threads.perform("weigh classes") { [self] () throws(CRIError) in
            try attempt("classes of pods") { () throws(KernelError) in try weighClasses() }
        }
        try await persist(sandbox: id)
        reach(.sandboxStopped)
        if wasReady { emit(.stopped, container: id, sandbox: id) }
    }

    /// Asks the monitor first, so that each end is recorded with its code.
    private func killContainers(of id: String, by monitor: (any PodMonitoring)?) async {
        guard let monitor else { return }
        for record in state.withLock({ $0.containers(in: id) }) {
            guard record.phase == .running || record.phase == .created,
                let exit = state.withLock({ $0.containers[record.id]?.exit })
            else { continue }
            do throws(PodMonitorError) {
                try await monitor.kill(record.id)
                _ = await waitOut(for: exit, upTo: .seconds(2))
            } catch {
                continue
            }
        }
    }

    /// Gives back processes, network, mounts and cgroup.
    func release(_ record: SandboxRecord) async throws(CRIError) {
        let name = "pod \(record.podName)"
        try await threads.perform("end sandbox") { [self] () throws(CRIError) in
            try attempt(name) { () throws(KernelError) in
                try kernel.killCgroup(record.cgroup, deadline: Self.killDeadline)
            }
        }
        reach(.sandboxKilled)
        if record.network == .pod { try await dependencies.network.detach(sandbox: record.id) }
        reach(.sandboxDetached)
        try await threads.perform("clear sandbox") { [self] () throws(CRIError) in
            try attempt(name) { () throws(KernelError) in
                try kernel.unmount(FilePath(paths.sharedMemory(of: record.id)))
                reach(.sharedMemoryUnmounted)
                try kernel.removeCgroup(record.cgroup)
                reach(.sandboxReleased)
            }
        }
    }

    /// Containers whose end nobody will report any more. Who hears of it finds the sandbox lost, and starts nothing in it.
    func buryContainers(of sandbox: String, _ message: String, exitCode: Int32 = 137) {
        let time = now()
        change(sandbox: sandbox) { $0.isLost = true }
        for record in state.withLock({ $0.containers(in: sandbox) }) {
            guard record.phase == .running || record.phase == .created else { continue }
            if let changed = change(container: record.id, { $0.lost(message, exitCode: exitCode, at: time) }) {
                settle(changed)
            }
        }
    }

    /// Tells those who wait that a container has ended, once.
    func settle(_ record: ContainerRecord) {
        guard record.phase == .exited, let exit = state.withLock({ $0.containers[record.id]?.exit }),
            exit.set(record.exitCode)
        else { return }
        emit(.stopped, container: record.id, sandbox: record.sandbox)
    }

    /// Removes the stopped sandbox with its containers and files. Its turn is held.
    func remove(_ id: String) async throws(CRIError) {
        guard change(sandbox: id, { $0.record.phase = .removing }) != nil else { return }
        try await persist(sandbox: id)
        reach(.sandboxRemovalRecorded)
        for container in state.withLock({ $0.containers(in: id) }) { try await erase(container.id) }
        let directory = paths.sandbox(id)
        try await threads.perform("remove sandbox") { () throws(CRIError) in
            try attempt("sandbox \(id)") { () throws(KernelError) in try TreeRemoval.remove(directory) }
        }
        reach(.sandboxRemoved)
        emit(.deleted, container: id, sandbox: id)
        state.withLock { _ = $0.sandboxes.removeValue(forKey: id) }
    }

    /// Takes back a sandbox that could not be made, or that a daemon left half made. What cannot be undone now is at the next start: the record stays.
    func discard(_ id: String) async {
        change(sandbox: id) { $0.record.phase = .removing }
        do throws(CRIError) {
            try await stop(id)
            try await remove(id)
        } catch {
            logger.error("sandbox not cleared away", metadata: ["sandbox": "\(id)", "cause": "\(error)"])
        }
    }

    // MARK: What a monitor reports

    /// Follows a monitor's exits until it is gone.
    func watch(_ monitor: any PodMonitoring, of sandbox: String) {
        let task = Task { [weak self] in
            // Ended, and not on disk yet: nothing is acknowledged before they are.
            var unrecorded: Set<String> = []
            for await exit in monitor.exits {
                guard let self else { return }
                await self.handle(exit, &unrecorded)
                if unrecorded.isEmpty { await self.acknowledge(exit, monitor, sandbox) }
            }
            if Task.isCancelled { return }
            await self?.monitorEnded(sandbox)
        }
        change(sandbox: sandbox) { $0.watcher = task }
    }

    private func handle(_ exit: ProcessExit, _ unrecorded: inout Set<String>) async {
        switch exit.subject {
        case .exec(let session, _):
            reach(.execEnded)
            state.withLock { $0.sessions.removeValue(forKey: session) }?.set(exit.exitCode)
        case .container(let id):
            reach(.exitReceived)
            containerEnded(id, exit)
            unrecorded.insert(id)
        }
        for id in unrecorded {
            do throws(CRIError) {
                try await persist(container: id)
                unrecorded.remove(id)
            } catch {
                logger.error("exit not recorded", metadata: ["container": "\(id)", "cause": "\(error)"])
            }
        }
        if case .container(let id) = exit.subject, let record = state.withLock({ $0.containers[id]?.record }) {
            reach(.exitRecorded)
            settle(record)
        }
    }

    private func acknowledge(_ exit: ProcessExit, _ monitor: any PodMonitoring, _ sandbox: String) async {
        do throws(PodMonitorError) {
            try await monitor.acknowledge(upTo: exit.number)
            reach(.exitAcknowledged)
        } catch {
            logger.debug("exit not acknowledged", metadata: ["sandbox": "\(sandbox)", "cause": "\(error)"])
        }
    }

    /// One that is known already changes nothing.
    private func containerEnded(_ id: String, _ exit: ProcessExit) {
        var exit = exit
        if exit.exitCode == 137 && state.withLock({ $0.containers[id]?.isBeyondMemory == true }) {
            exit.outOfMemory = true
        }
        change(container: id) { [exit] in $0.apply(exit) }
    }

    /// The monitor is gone. Unless we ended it, its pod goes with it.
    private func monitorEnded(_ id: String) async {
        failSessions(of: id)
        guard state.withLock({ $0.sandboxes[id]?.record.phase == .ready }), let entry = await beginStop(id) else {
            return
        }
        do throws(CRIError) {
            try await entry.turn.take { [self] () async throws(CRIError) in
                guard let entry = state.withLock({ $0.sandboxes[id] }), entry.record.phase == .ready else { return }
                logger.error("pod monitor died", metadata: ["pod": "\(entry.record.podName)", "sandbox": "\(id)"])
                change(sandbox: id) { $0.monitor = nil }
                buryContainers(of: id, "the pod's monitor died")
                try await stop(id)
            }
        } catch {
            logger.error("sandbox not cleared away", metadata: ["sandbox": "\(id)", "cause": "\(error)"])
        }
    }

    /// Exec sessions whose end nobody will report any more.
    private func failSessions(of sandbox: String) {
        let prefix = String(sandbox.prefix(12)) + "-"
        let lost = state.withLock { state in
            let ids = state.sessions.keys.filter { $0.hasPrefix(prefix) }
            return ids.compactMap { state.sessions.removeValue(forKey: $0) }
        }
        for session in lost { session.set(137) }
    }
}

extension ContainerRecord {
    mutating func apply(_ exit: ProcessExit) {
        ended(
            exit.exitCode, outOfMemory: exit.outOfMemory, startedAt: UnixNanoseconds(clamping: exit.startedAt),
            at: UnixNanoseconds(clamping: exit.finishedAt))
    }
}
