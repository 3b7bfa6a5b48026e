import CRI
import Linux
import Logging

/// Memory limits on a host whose cgroup v2 hierarchy has no memory controller: what a container's processes hold is looked at, and a container beyond its
/// limit is killed and told of as the kernel would have done it. What is taken and given back between two looks is not seen, nor are files in memory and
/// what the kernel itself needs for the container: its warning stays.
extension NodeRuntime {
    package static let memoryLook = Duration.milliseconds(500)

    /// Looks until the runtime is closed; nothing where the kernel holds the limits.
    func watchMemory(_ host: HostFeatures) {
        if host.controllers.contains("memory") { return }
        let watch = Task { [weak self, time = dependencies.time] in
            while (try? await time.sleep(for: Self.memoryLook)) != nil, let self { await self.lookAtMemory() }
        }
        state.withLock { $0.memoryWatch = watch }
    }

    private func lookAtMemory() async {
        let limited = state.withLock(\.limitedInMemory)
        if limited.isEmpty { return }
        let beyond = try? await threads.perform("look at memory") { [self] () throws(CRIError) in
            limited.filter { container in
                let cgroup = paths.cgroup(of: container.record.id, in: container.sandbox)
                let processes = (try? kernel.processes(beneath: cgroup)) ?? []
                return kernel.holdMore(than: UInt64(container.record.resources.memoryLimit ?? .max), processes)
            }
        }
        for container in beyond ?? [] { await killForMemory(container.record) }
    }

    private func killForMemory(_ record: ContainerRecord) async {
        let monitor = state.withLock { state in
            state.containers[record.id]?.isBeyondMemory = true
            return state.sandboxes[record.sandbox]?.monitor
        }
        logger.warning(
            "container killed: beyond its memory limit",
            metadata: ["container": "\(record.metadata.name)", "id": "\(record.id)"])
        do throws(PodMonitorError) {
            try await monitor?.kill(record.id)
        } catch {
            // It ended meanwhile, or the next look tries again.
            logger.debug("container not killed", metadata: ["container": "\(record.id)", "cause": "\(error)"])
        }
    }
}

extension RuntimeState {
    /// What runs with a limit of memory.
    fileprivate var limitedInMemory: [(record: ContainerRecord, sandbox: SandboxRecord)] {
        containers.values.compactMap { entry in
            guard entry.record.phase == .running, (entry.record.resources.memoryLimit ?? 0) > 0,
                let sandbox = sandboxes[entry.record.sandbox], sandbox.monitor != nil
            else { return nil }
            return (entry.record, sandbox.record)
        }
    }
}
