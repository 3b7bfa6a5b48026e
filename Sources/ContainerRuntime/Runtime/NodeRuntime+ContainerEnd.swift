import CRI
import Glibc
import Linux
import Logging

extension NodeRuntime {
    /// Takes no turn while it waits: an exec or the stop of a neighbour must not stand behind a long grace.
    ///
    /// Where its task is cancelled meanwhile (the daemon ends, or a client does not wait any more), the container is left as it is, and an error thrown. An
    /// order to kill at once is carried out all the same.
    package func stopContainer(_ id: String, timeout: Duration) async throws(CRIError) {
        guard let (container, sandbox) = try? lookUp(container: id) else { return }
        let record = container.record
        guard record.phase == .running || record.phase == .created else { return }
        let found = await monitor(of: sandbox, waitingFor: timeout)
        try checkStop(of: record, within: timeout)
        guard let monitor = found else { return try await endUnseen(id) }
        if record.phase == .running && timeout > .zero {
            do throws(PodMonitorError) {
                try await monitor.signal(id, record.stopSignal)
                reach(.containerSignalled)
                if await wait(for: container.exit, upTo: timeout) { return }
            } catch {
                logger.debug("stop signal not sent", metadata: ["container": "\(id)", "cause": "\(error)"])
            }
            try checkStop(of: record, within: timeout)
        }
        try await kill(id, container, monitor)
    }

    /// Who waits no longer takes nothing of the container's grace.
    private func checkStop(of record: ContainerRecord, within timeout: Duration) throws(CRIError) {
        guard timeout > .zero, Task.isCancelled || state.withLock({ $0.isClosed }) else { return }
        throw .failed("container \(record.metadata.name): its stop was given up before its end; stop it again")
    }

    /// A monitor that is silent has the container's own grace to answer in.
    private func monitor(of sandbox: SandboxEntry, waitingFor timeout: Duration) async -> (any PodMonitoring)? {
        if let monitor = sandbox.monitor { return monitor }
        guard let adoption = sandbox.adoption, await wait(for: adoption, upTo: timeout) else { return nil }
        return state.withLock { $0.sandboxes[sandbox.record.id]?.monitor }
    }

    /// Ends a container whose monitor cannot: by its cgroup, which the kernel empties whoever is stopped.
    private func endUnseen(_ id: String) async throws(CRIError) {
        guard let (container, sandbox) = try? lookUp(container: id) else { return }
        let cgroup = paths.cgroup(of: id, in: sandbox.record)
        do throws(CRIError) {
            try await threads.perform("kill container") { [self] () throws(CRIError) in
                try attempt("container \(id)") { () throws(KernelError) in
                    try kernel.killCgroup(cgroup, deadline: Self.killDeadline)
                }
            }
        } catch {
            throw .timedOut(
                "container \(container.record.metadata.name) was killed but has not ended in 10 s: a process of it hangs in the kernel"
            )
        }
        // Its monitor may have told of its end meanwhile.
        let time = now()
        let lost = change(container: id) {
            $0.lost("killed while the pod's monitor did not answer", exitCode: 137, at: time)
        }
        if let lost { settle(lost) }
        try await persist(container: id)
    }

    private func kill(
        _ id: String, _ container: ContainerEntry, _ monitor: any PodMonitoring
    ) async throws(CRIError) {
        do throws(PodMonitorError) {
            try await monitor.kill(id)
            reach(.containerKilled)
        } catch .notFound {
            // The launch was lost: nobody will report its end.
            let time = now()
            let lost = change(container: id) {
                $0.lost("the pod's monitor does not know the container", exitCode: 137, at: time)
            }
            if let lost { settle(lost) }
        } catch {
            // It ended meanwhile, or the whole pod did; either is reported.
            logger.debug("container not killed", metadata: ["container": "\(id)", "cause": "\(error)"])
        }
        if await !waitOut(for: container.exit, upTo: Self.killDeadline) { try await endUnseen(id) }
    }

    package func removeContainer(_ id: String) async throws(CRIError) {
        guard let (_, sandbox) = try? lookUp(container: id) else { return }
        try await sandbox.turn.take { [self] () async throws(CRIError) in
            try await stopContainer(id, timeout: .zero)
            try await erase(id)
        }
    }

    /// Removes a container that does not run, with all that it has. The sandbox's turn is held.
    func erase(_ id: String) async throws(CRIError) {
        guard let (container, sandbox) = try? lookUp(container: id) else { return }
        let phase = container.record.phase
        if phase == .created || phase == .running, let monitor = sandbox.monitor {
            try await kill(id, container, monitor)
        }
        // Its end may be known and not told yet: who listens hears of it before he hears that it is gone.
        if let ended = state.withLock({ $0.containers[id]?.record }) { settle(ended) }
        // Who goes on with its layer is all that is left of it.
        let layer = container.record.layer
        for next in state.withLock({ $0.containers(in: sandbox.record.id) }) where next.id != id && next.layer == layer
        {
            try await persist(container: next.id)
        }
        change(container: id) { $0.removing() }
        try await persist(container: id)
        reach(.containerRemovalRecorded)
        if let monitor = sandbox.monitor {
            do throws(PodMonitorError) {
                try await monitor.remove(id)
                reach(.containerForgotten)
            } catch {
                logger.debug("monitor knows no container", metadata: ["container": "\(id)", "cause": "\(error)"])
            }
        }
        try await eraseFiles(container.record, sandbox.record)
        reach(.containerErased)
        images.release(by: id)
        try await forget(container.record)
        reach(.containerRemoved)
        emit(.deleted, container: id, sandbox: container.record.sandbox)
    }

    /// All but the record: until that is gone, a later daemon finishes this.
    func eraseFiles(_ record: ContainerRecord, _ sandbox: SandboxRecord) async throws(CRIError) {
        if !record.hostHooks.isEmpty {
            try await end(record, sandbox)
            try await runHooksAfterEnd(of: record)
        }
        try await threads.perform("remove container") { [self] () throws(CRIError) in
            try attempt("container \(record.metadata.name)") { () throws(KernelError) in
                let cgroup = paths.cgroup(of: record.id, in: sandbox)
                try kernel.killCgroup(cgroup, deadline: Self.killDeadline)
                try kernel.removeCgroup(cgroup)
                let directory = paths.writable(of: record.id)
                // A daemon that died while it made a container leaves a volume's image mounted there.
                if record.mounts.contains(where: { $0.image != nil }) {
                    for mount in try kernel.mounts(beneath: directory) { try kernel.unmount(mount) }
                }
                for id in layersOfNone(but: record) { try TreeRemoval.remove(paths.writable(of: id)) }
            }
        }
    }

    /// The directories that no other container needs: its own, and that of those that it goes on from.
    private func layersOfNone(but record: ContainerRecord) -> Set<String> {
        let others = state.withLock { state in
            state.containers.values.map(\.record).filter { $0.id != record.id }.flatMap { [$0.id, $0.layer] }
        }
        return Set([record.id, record.layer]).subtracting(others)
    }

    private func end(_ record: ContainerRecord, _ sandbox: SandboxRecord) async throws(CRIError) {
        try await threads.perform("end container") { [self] () throws(CRIError) in
            try attempt("container \(record.metadata.name)") { () throws(KernelError) in
                try kernel.killCgroup(paths.cgroup(of: record.id, in: sandbox), deadline: Self.killDeadline)
                // Of a daemon that died meanwhile.
                for hooks in [paths.hookCgroup(of: record.id, in: sandbox), paths.endHookCgroup(of: record.id)] {
                    try kernel.killCgroup(hooks, deadline: Self.killDeadline)
                    try kernel.removeCgroup(hooks)
                }
            }
        }
    }

    /// Takes back a container that could not be made.
    func discard(container id: String, by monitor: any PodMonitoring) async {
        defer { images.release(by: id) }
        guard state.withLock({ $0.containers[id] }) != nil else { return }
        do throws(PodMonitorError) {
            // Known only where the failure came after the monitor had made it.
            try await monitor.kill(id)
            try await monitor.remove(id)
        } catch {
            logger.debug("monitor knows no container", metadata: ["container": "\(id)", "cause": "\(error)"])
        }
        guard let (container, sandbox) = try? lookUp(container: id) else { return }
        change(container: id) { $0.removing() }
        do throws(CRIError) {
            try await eraseFiles(container.record, sandbox.record)
            // That of one that goes on from another is the other's too.
            if container.record.layer == id {
                try await threads.perform("remove log") { [self] () throws(CRIError) in
                    removeEmptyLog(container.record.logPath)
                }
            }
            try await forget(container.record)
        } catch {
            // It stays as one being removed; the sandbox's removal tries again.
            logger.error("container not cleared away", metadata: ["container": "\(id)", "cause": "\(error)"])
        }
    }

    package func updateContainerResources(
        _ id: String, _ resources: ContainerResources
    ) async throws(CRIError) {
        // One after the other: each writes all limits that then hold.
        let (_, sandbox) = try lookUp(container: id)
        try await sandbox.turn.take { [self] () async throws(CRIError) in try await update(id, resources) }
    }

    /// The sandbox's turn is held.
    private func update(_ id: String, _ resources: ContainerResources) async throws(CRIError) {
        let (container, sandbox) = try lookUp(container: id)
        let object = "container \(container.record.metadata.name)"
        try Self.check(resources, object)
        let cgroup = paths.cgroup(of: id, in: sandbox.record)
        let wanted = container.record.resources.updated(by: resources)
        try await threads.perform("update resources") { [self] () throws(CRIError) in
            let controllers = try host(of: sandbox.record).controllers
            let unheld = CgroupSettings(resources, object: object, controllers: controllers).warnings
            guard unheld.isEmpty else { throw .unsupported(unheld.joined(separator: "; ")) }
            let settings = CgroupSettings(wanted, object: object, controllers: controllers)
            try attempt(object) { () throws(KernelError) in try apply(settings, to: cgroup) }
        }
        change(container: id) { $0.resources = $0.resources.updated(by: resources) }
        try await persist(container: id)
    }

    package func reopenContainerLog(_ id: String) async throws(CRIError) {
        let (container, sandbox) = try lookUp(container: id)
        let monitor = try monitor(of: sandbox)
        do throws(PodMonitorError) {
            try await monitor.reopenLog(id)
        } catch {
            throw .failed("container \(id): \(error)")
        }
        let path = container.record.logPath
        if path.isEmpty { return }
        try await threads.perform("make log") { [self] () throws(CRIError) in
            try attempt("log of container \(container.record.metadata.name)") { () throws(KernelError) in
                try makeLogFile(path)
            }
        }
    }

    /// Sends a signal to a container's first process.
    package func signal(container id: String, _ signal: Int32) async throws(CRIError) {
        let (_, sandbox) = try lookUp(container: id)
        let monitor = try monitor(of: sandbox)
        do throws(PodMonitorError) {
            try await monitor.signal(id, signal)
        } catch {
            throw .failed("container \(id): \(error)")
        }
    }
}
