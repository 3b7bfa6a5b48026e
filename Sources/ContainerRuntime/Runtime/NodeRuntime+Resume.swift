import CRI
import Linux
import Logging

extension NodeRuntime: ResumableRuntime {
    package func resumePodSandbox(_ id: String, _ config: PodSandboxConfig) async throws(CRIError) {
        let host = try host()
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(id) }
        // What its last monitor told is heard to the end: nothing of it may be taken for the next one's.
        if entry.record.phase == .notReady { await entry.watcher?.value }
        try await entry.turn.take { [self] () async throws(CRIError) in
            guard let entry = state.withLock({ $0.sandboxes[id] }), entry.record.phase == .notReady,
                entry.record.metadata == config.metadata
            else { throw .invalid("sandbox \(id) is not a stopped one of pod \(config.metadata.name)") }
            // Before those of who comes next.
            for container in state.withLock({ $0.containers(in: id) }) where container.phase == .exited {
                try await runHooksAfterEnd(of: container)
            }
            let changed = change(sandbox: id) { entry in
                entry.record.phase = .resuming
                // They were in the network namespace that has ended.
                entry.record.networkDevices = [:]
                entry.isStopping = false
                entry.isLost = false
                entry.adoption = nil
            }
            guard let record = changed else { throw .notFound("sandbox \(id) is not known") }
            do throws(CRIError) {
                try await establish(record, config, host)
            } catch {
                do throws(CRIError) { try await stop(id) } catch {
                    logger.error("sandbox not stopped", metadata: ["sandbox": "\(id)", "cause": "\(error)"])
                }
                throw error
            }
        }
        emit(.started, container: id, sandbox: id)
    }

    package func mark(sandbox id: String, _ labels: [String: String]) async throws(CRIError) {
        guard change(sandbox: id, { $0.record.labels.merge(labels) { $1 } }) != nil else {
            throw .notFound("sandbox \(id) is not known")
        }
        try await persist(sandbox: id)
    }
}
