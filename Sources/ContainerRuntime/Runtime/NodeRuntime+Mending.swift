import CRI
import Linux
import Logging

/// What the doctor asks of a running daemon: its books, and to put right what is wrong.
extension NodeRuntime {
    /// All sandboxes with what their monitors say. Waits for a monitor that does not answer, at most as long as any request to one.
    package func books() async -> RuntimeBooks {
        var books = currentBooks()
        let monitors = state.withLock { state -> [String: any PodMonitoring] in
            state.sandboxes.compactMapValues { $0.record.phase == .ready ? $0.monitor : nil }
        }
        let answers = await withTaskGroup(of: (String, RuntimeBooks.Monitor).self) { group in
            for (sandbox, monitor) in monitors { group.addTask { (sandbox, await Self.ask(monitor)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        let awaited = awaitedMonitors
        for index in books.sandboxes.indices {
            let id = books.sandboxes[index].id
            books.sandboxes[index].monitor =
                answers[id] ?? (awaited.contains(id) ? RuntimeBooks.Monitor(process: 0) : nil)
        }
        return books
    }

    /// Sandboxes that an earlier daemon made and whose monitors have not answered this one.
    private var awaitedMonitors: Set<String> {
        state.withLock { state in
            Set(
                state.sandboxes.filter { _, entry in
                    entry.record.phase == .ready && entry.monitor == nil && entry.adoption?.exitCode == nil
                        && entry.adoption != nil
                }.keys)
        }
    }

    private static func ask(_ monitor: any PodMonitoring) async -> RuntimeBooks.Monitor {
        var found = RuntimeBooks.Monitor(process: monitor.processID)
        do throws(PodMonitorError) {
            found.ended = try await monitor.containers().filter { $0.state == .exited }.map(\.id)
            found.unacknowledged = try await monitor.unacknowledgedExits()
            found.answers = true
        } catch {
            found.answers = false
        }
        return found
    }

    /// Of this moment; nothing is waited for.
    func currentBooks() -> RuntimeBooks {
        state.withLock { state in
            RuntimeBooks(
                state.sandboxes.values.map { ($0.record, state.containers(in: $0.record.id)) },
                hookGroups: state.containers.compactMapValues(\.hookGroup))
        }
    }

    /// Takes up exits that were not reported, stops the sandboxes named (the kubelet makes them anew where their pods still are) and clears away
    /// what belongs to nobody. What is being made or removed meanwhile is left alone.
    package func mend(stopping sandboxes: [String]) async throws(CRIError) {
        let monitors = state.withLock { state -> [String: any PodMonitoring] in
            state.sandboxes.compactMapValues(\.monitor)
        }
        for (id, monitor) in monitors { await takeUpExits(of: id, from: monitor) }
        for id in sandboxes {
            logger.warning("sandbox stopped, as the doctor asked", metadata: ["sandbox": "\(id)"])
            try await stopPodSandbox(id)
        }
        try await clearStrays()
        try await dependencies.network.collect { [weak self] in self?.currentBooks().holders }
    }

    private func takeUpExits(of sandbox: String, from monitor: any PodMonitoring) async {
        do throws(PodMonitorError) {
            var last: UInt64 = 0
            for container in try await monitor.containers() {
                guard let exit = container.exit else { continue }
                change(container: container.id) { $0.apply(exit) }
                try? await persist(container: container.id)
                if let record = state.withLock({ $0.containers[container.id]?.record }) { settle(record) }
                last = max(last, exit.number)
            }
            if last > 0 { try await monitor.acknowledge(upTo: last) }
        } catch {
            logger.warning("exits not taken up", metadata: ["sandbox": "\(sandbox)", "cause": "\(error)"])
        }
    }
}
