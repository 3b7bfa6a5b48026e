import CRI
import Linux
import Logging
import OCI

extension NodeRuntime {
    /// Makes the runtime usable: adopts what runs, finishes what was begun, clears away what belongs to nobody. The images must be open. To be called once, before
    /// anything else.
    package func open() async throws(CRIError) {
        let found = try await threads.perform("open runtime") { [self] () throws(CRIError) in
            try attempt("container runtime") { () throws(KernelError) in
                try WholeFile.makeDirectories(paths.sandboxes, mode: 0o700)
                try WholeFile.makeDirectories(paths.containers, mode: 0o700)
                let host = try kernel.prepare(cgroupRoot: paths.cgroupRoot)
                try prepareClasses(host)
                let bootID = try kernel.bootID()
                state.withLock { state in
                    state.host = host
                    state.bootID = bootID
                }
                warnOfMissingLabels()
                try files.removeAbandoned()
                return try files.load()
            }
        }
        for entry in found { register(entry) }
        await withTaskGroup(of: Void.self) { group in
            for record in found.compactMap(\.sandbox) {
                group.addTask { [self] in await recover(record) }
            }
        }
        try await clearStrays()
        try await clearFormerRoots()
        try await threads.perform("weigh classes") { [self] () throws(CRIError) in
            try attempt("classes of pods") { () throws(KernelError) in try weighClasses() }
        }
        try await dependencies.network.collect { [weak self] in self?.currentBooks().holders }
        watchMemory(try host())
    }

    /// Writes what is to be written, lets go of every monitor and leaves all pods running: the daemon ends, or hands over to another. Nothing is to be called after it.
    package func close() async {
        let (watchers, writes) = state.withLock { state in
            state.isClosed = true
            let watchers = state.sandboxes.values.compactMap(\.watcher) + [state.memoryWatch].compactMap(\.self)
            for id in state.sandboxes.keys {
                state.sandboxes[id]?.monitor = nil
                state.sandboxes[id]?.watcher = nil
            }
            return (watchers, Array(state.pendingWrites.values))
        }
        for watcher in watchers { watcher.cancel() }
        for write in writes { await write.value }
    }

    private func register(_ found: RecordFiles.Found) {
        for problem in found.problems {
            logger.warning("record passed over", metadata: ["directory": "\(found.directory)", "cause": "\(problem)"])
        }
        guard let sandbox = found.sandbox else { return }
        state.withLock { state in
            state.sandboxes[sandbox.id] = SandboxEntry(sandbox)
            for container in found.containers { state.containers[container.id] = ContainerEntry(container) }
        }
        for container in found.containers {
            images.keep(
                [container.imageID] + container.mounts.compactMap(\.imageID), layers: container.layers,
                for: container.id)
        }
    }

    /// One sandbox that cannot be recovered holds nobody else up; its record stays for the next start.
    private func recover(_ record: SandboxRecord) async {
        let action = Recovery.action(for: record, bootID: state.withLock { $0.bootID })
        logger.debug("sandbox found", metadata: ["pod": "\(record.podName)", "action": "\(action)"])
        do throws(CRIError) {
            switch action {
            case .remove: await discard(record.id)
            case .adopt: await adopt(record)
            case .bury(let message, let exitCode): try await bury(record, message, exitCode)
            case .keep: try await eraseHalfMade(in: record.id)
            }
        } catch {
            logger.error("sandbox not recovered", metadata: ["pod": "\(record.podName)", "cause": "\(error)"])
        }
    }

    func bury(_ record: SandboxRecord, _ message: String, _ exitCode: Int32) async throws(CRIError) {
        buryContainers(of: record.id, message, exitCode: exitCode)
        try await eraseHalfMade(in: record.id)
        try await stop(record.id)
    }

    private func eraseHalfMade(in sandbox: String) async throws(CRIError) {
        for record in state.withLock({ $0.containers(in: sandbox) }) {
            if record.phase == .creating || record.phase == .removing { try await erase(record.id) }
        }
    }

    /// Clears away what no record speaks of. All of it bears our name: nobody else's can be met here. What is there is listed before the records are:
    /// a sandbox or a container that is made meanwhile is never taken for a stray.
    func clearStrays() async throws(CRIError) {
        try await threads.perform("clear strays") { [self] () throws(CRIError) in
            try attempt("leftovers") { () throws(KernelError) in
                let inventory = try RuntimeInventory(paths, kernel: kernel)
                for stray in inventory.strays(currentBooks(), paths) {
                    // A sandbox that is made ready again and a container's later hooks have the same names again, maybe since the look.
                    guard inventory.strays(currentBooks(), paths).contains(stray) else { continue }
                    logger.info(
                        "cleared away, since no record speaks of it",
                        metadata: ["kind": "\(stray.kind.rawValue)", "object": "\(stray.name)"])
                    clearing(stray.name) { () throws(KernelError) in
                        try stray.clear(kernel, deadline: Self.killDeadline)
                    }
                }
            }
        }
    }

    /// Our subtrees under parents that are no longer set, once nothing is in them any more.
    private func clearFormerRoots() async throws(CRIError) {
        try await threads.perform("clear former groups") { [self] () throws(CRIError) in
            try attempt("former groups") { () throws(KernelError) in
                let held = state.withLock { state in
                    state.sandboxes.values.map(\.record).filter { $0.phase != .notReady }.map(\.cgroup)
                }
                for root in try RuntimeInventory.formerCgroups(paths, kernel: kernel) {
                    guard !held.contains(where: { $0.hasPrefix(root + "/") }),
                        try kernel.processes(beneath: root).isEmpty
                    else { continue }
                    logger.info("former group taken away", metadata: ["cgroup": "\(root)"])
                    clearing(root) { () throws(KernelError) in try kernel.removeCgroup(root) }
                }
            }
        }
    }

    /// What cannot be cleared away (a process that hangs in the kernel) keeps no node from starting; the next start finds it again.
    private func clearing(_ what: String, _ body: () throws(KernelError) -> Void) {
        do throws(KernelError) { try body() } catch {
            logger.error("leftover not cleared away", metadata: ["object": "\(what)", "cause": "\(error)"])
        }
    }

    // MARK: Uninstall

    /// Processes, cgroups, mounts and directories of sandboxes and containers, by their places alone. Empty after all sandboxes are removed.
    package func leftovers() async throws(CRIError) -> [Leftover] {
        try await threads.perform("list leftovers") { [self] () throws(CRIError) in
            try attempt("leftovers") { () throws(KernelError) in try RuntimeInventory(paths, kernel: kernel).all }
        }
    }

    /// Stops and removes every sandbox, then all of the runtime's own on this node: cgroup subtree, state, writable layers and, where asked, images.
    /// The runtime is of no use afterwards.
    package func removeEverything(includingImages: Bool) async throws(CRIError) {
        for sandbox in state.withLock({ Array($0.sandboxes.keys) }) { try await removePodSandbox(sandbox) }
        try await clearStrays()
        try await threads.perform("remove everything") { [self] () throws(CRIError) in
            try attempt("runtime") { () throws(KernelError) in
                try kernel.removeCgroup(paths.cgroupRoot)
                try TreeRemoval.remove(paths.state)
                try TreeRemoval.remove(includingImages ? paths.data : paths.containers)
            }
        }
    }
}
