import CRI
import Linux
import Logging

/// Memory limits on a host whose cgroup v2 hierarchy has no memory controller: what a container's processes hold is looked at, and a container beyond its
/// limit is killed and told of as the kernel would have done it. What is taken and given back between two looks is not seen, nor are files in memory and
/// what the kernel itself needs for the container: its warning stays.
extension NodeRuntime {
    package static let memoryLook = Duration.milliseconds(500)
    /// So many looks later the question that costs much is asked again of a container that only shares much.
    package static let memoryPause = 10

    /// Looks until the runtime is closed; nothing where the kernel holds the limits.
    func watchMemory(_ host: HostFeatures) {
        if host.controllers.contains("memory") { return }
        let watch = Task { [weak self, time = dependencies.time] in
            // One of its own: a process whose memory cannot be looked at, since a file system that it has mapped hangs, holds it up.
            let thread = BlockingThreads(count: 1)
            while (try? await time.sleep(for: Self.memoryLook)) != nil, let self { await self.lookAtMemory(thread) }
        }
        state.withLock { $0.memoryWatch = watch }
    }

    private func lookAtMemory(_ thread: BlockingThreads) async {
        let limited = state.withLock { $0.limitedInMemory() }
        if limited.isEmpty { return }
        let answers = try? await thread.perform("look at memory") { [self] () throws(CRIError) in
            limited.compactMap { container -> (ContainerRecord, isBeyond: Bool)? in
                let limit = UInt64(container.record.resources.memoryLimit ?? .max)
                let cgroup = paths.cgroup(of: container.record.id, in: container.sandbox)
                let processes = (try? kernel.processes(beneath: cgroup)) ?? []
                guard kernel.mayHoldMore(than: limit, processes) else { return nil }
                return (container.record, kernel.holdMore(than: limit, processes))
            }
        }
        for (record, isBeyond) in answers ?? [] {
            if isBeyond {
                await killForMemory(record)
            } else {
                state.withLock { $0.containers[record.id]?.memoryPause = Self.memoryPause }
            }
        }
    }

    /// Unless it has got another limit meanwhile.
    private func killForMemory(_ record: ContainerRecord) async {
        let (monitor, isTold) = state.withLock { state in
            guard let entry = state.containers[record.id], entry.record.phase == .running,
                entry.record.resources.memoryLimit == record.resources.memoryLimit
            else { return ((any PodMonitoring)?.none, true) }
            state.containers[record.id]?.isBeyondMemory = true
            return (state.sandboxes[record.sandbox]?.monitor, entry.isBeyondMemory)
        }
        guard let monitor else { return }
        if !isTold {
            logger.warning(
                "container is killed: beyond its memory limit",
                metadata: ["container": "\(record.metadata.name)", "id": "\(record.id)"])
        }
        do throws(PodMonitorError) {
            try await monitor.kill(record.id)
        } catch {
            // It ended meanwhile, or the next look tries again.
            state.withLock { $0.containers[record.id]?.isBeyondMemory = false }
            logger.debug("container not killed", metadata: ["container": "\(record.id)", "cause": "\(error)"])
        }
    }
}

extension RuntimeState {
    /// What runs with a limit of memory and is to be looked at this time.
    fileprivate mutating func limitedInMemory() -> [(record: ContainerRecord, sandbox: SandboxRecord)] {
        var found: [(record: ContainerRecord, sandbox: SandboxRecord)] = []
        for (id, entry) in containers
        where entry.record.phase == .running && entry.record.resources.memoryLimit ?? 0 > 0 {
            guard let sandbox = sandboxes[entry.record.sandbox], sandbox.monitor != nil else { continue }
            if entry.memoryPause > 0 {
                containers[id]?.memoryPause -= 1
            } else {
                found.append((entry.record, sandbox.record))
            }
        }
        return found
    }
}
