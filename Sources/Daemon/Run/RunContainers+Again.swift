import CRI
import JSONTree

/// Ended containers that are started again: each time a new attempt in the same sandbox, which goes on with the writable layer and the log of the one before.
/// That is removed when the new one runs; until then it is the container, so that whatever fails or is killed on the way leaves it as it was.
extension RunContainers {
    /// Starts one that has ended; one that runs is left as it is, and one that is being stopped is started after that.
    /// - Returns: its name.
    func start(_ text: String) async throws(CRIError) -> String {
        let found = try await named(text)
        while true {
            let stopping = try await inTurn(of: found) { run throws(CRIError) -> String? in
                guard run.isRunning else {
                    try await startAgain(run, wasStopped: run.sandbox.isStopped)
                    return nil
                }
                if let id = run.container?.id, ending.holds(id) { return id }
                try await mark(run, isStopped: false)
                return nil
            }
            guard let stopping else { return found.name }
            await ending.wait(for: stopping)
        }
    }

    /// Ends it where it runs, and starts it again.
    /// - Returns: its name.
    func restart(_ text: String, grace: Duration? = nil) async throws(CRIError) -> String {
        let found = try await named(text)
        let run = try await inTurn(of: found) { run throws(CRIError) in
            _ = try spec(of: run)
            try await mark(run, isStopped: false)
            if let id = run.container?.id { ending.add(id) }
            return run
        }
        guard let container = run.container else { throw .invalid("container \(run.name) is being made") }
        defer { removeEnding(container.id) }
        do throws(CRIError) {
            try await end(run, grace: grace)
        } catch {
            // Nobody follows what had ended before: it stays so.
            if run.hasEnded {
                try? await inTurn(of: found) { now throws(CRIError) in try await mark(now, isStopped: true) }
            }
            throw error
        }
        try await inTurn(of: found) { now throws(CRIError) in
            guard !now.sandbox.isStopped else { throw .invalid("container \(now.name) was stopped meanwhile") }
            if now.container?.id == container.id { try await startAgain(now, wasStopped: true) }
        }
        return run.name
    }

    /// At its user's wish, which is on disk before it begins: a daemon that is killed meanwhile is followed by one that knows it. Its turn is held.
    /// - Parameter wasStopped: whether its user wanted it ended before, which holds again where it cannot be started.
    private func startAgain(_ run: Run, wasStopped: Bool) async throws(CRIError) {
        let spec = try spec(of: run)
        try await mark(run, isStopped: false)
        do throws(CRIError) {
            try await launch(spec, after: run)
        } catch {
            // Whoever has stopped it meanwhile has said so himself.
            if wasStopped {
                try? await mark(run, isStopped: true)
            } else {
                // Its policy goes on where nobody follows it any more.
                unsettled.put(run.sandbox.id)
            }
            throw error.prefixed("start container \(run.name)")
        }
    }

    /// Its turn is held.
    /// - Parameter labels: further ones of the new attempt.
    func launch(_ spec: RunSpec, after run: Run, labels: [String: String] = [:]) async throws(CRIError) {
        guard let ended = run.container, run.hasEnded else { throw .invalid("container \(run.name) has not ended") }
        let id = run.sandbox.id
        try await settle(run)
        let config = try await sandbox(spec, run.sandbox.metadata.uid)
        do throws(CRIError) {
            try await runtime.resumePodSandbox(id, config)
            var container = spec.container()
            container.metadata.attempt = ended.metadata.attempt + 1
            container.labels.merge(labels) { $1 }
            container.labels[ContainerStatus.firstIDLabel] = ended.shownID
            (container.predecessor, container.imageID) = (ended.id, ended.imageID)
            let next = try await runtime.createContainer(sandbox: id, config: container, sandboxConfig: config)
            try await runtime.startContainer(next)
        } catch {
            if await !isSettled(inTurn: run) { unsettled.put(id) }
            throw error
        }
        ends.note(ended)
        // What is not removed now is at its end.
        _ = await isSettled(inTurn: run)
    }

    /// What it was asked for.
    /// - Throws: where it cannot be started again.
    func spec(of run: Run) throws(CRIError) -> RunSpec {
        guard run.sandbox.isDetached, !run.sandbox.isRemovedAtEnd else {
            throw .invalid("container \(run.name) goes when it ends: start it without --rm, and with --detach")
        }
        guard let spec = run.spec else {
            throw .invalid(
                "container \(run.name) was made by another version of Swiftlet: `swiftlet rm \(run.name)`, then run it anew"
            )
        }
        return spec
    }
}

extension RunContainers.Run {
    /// What it was asked for; nil where another version has made it.
    var spec: RunSpec? {
        let text = sandbox.annotations[PodSandboxStatus.specAnnotation] ?? ""
        return (try? JSONValue(parsing: Array(text.utf8))).flatMap { RunSpec($0) }
    }
}
