import CRI
import Linux
import Logging

/// Pods that ran while no daemon did are taken up again, each by its monitor.
extension NodeRuntime {
    /// How long the daemon's start waits for a monitor's answer.
    package static let silence = Duration.seconds(5)

    /// Takes a sandbox up. Whether its monitor lives decides the kernel, not the clock: one that is stopped or starved keeps its pod, holds the start up
    /// for `silence` at most, and is taken up when it answers.
    func adopt(_ record: SandboxRecord) async {
        let isDecided = ExitLatch()
        let adoption = Task { [self] in
            do throws(CRIError) {
                try await takeUp(record)
            } catch {
                logger.error("sandbox not recovered", metadata: ["pod": "\(record.podName)", "cause": "\(error)"])
            }
            isDecided.set(0)
        }
        change(sandbox: record.id) { entry in
            entry.adoption = isDecided
            // It may have been taken up already.
            if entry.watcher == nil { entry.watcher = adoption }
        }
        guard await !wait(for: isDecided, upTo: Self.silence) else { return }
        logger.warning(
            "pod monitor silent", metadata: ["pod": "\(record.podName)", "consequence": "its pod runs on unattended"])
    }

    private enum MonitorFound: Sendable {
        case alive(any PodMonitoring, [MonitoredContainer])
        case gone
        /// This daemon ends first.
        case undecided
    }

    private func takeUp(_ record: SandboxRecord) async throws(CRIError) {
        let found = await findMonitor(of: record)
        guard let entry = state.withLock({ $0.sandboxes[record.id] }) else { return }
        try await entry.turn.take { [self] () async throws(CRIError) in
            // It may have been stopped while its monitor was silent.
            guard state.withLock({ $0.sandboxes[record.id]?.record.phase }) == .ready else { return }
            switch found {
            case .undecided: return
            case .gone: try await bury(record, "the pod's monitor died while the node agent was away", 137)
            case .alive(let monitor, let known): try await takeUp(record, monitor, known)
            }
        }
    }

    /// Returns when the monitor has answered or is gone; anything else that fails is tried again each second.
    private func findMonitor(of record: SandboxRecord) async -> MonitorFound {
        while !Task.isCancelled {
            do throws(PodMonitorError) {
                let monitor = BoundedMonitor(
                    base: try await dependencies.monitors.adopt(
                        pod: record.podName, directory: paths.monitor(of: record.id)), time: dependencies.time)
                return .alive(monitor, try await monitor.containers())
            } catch {
                if Task.isCancelled { break }
                logger.warning("pod monitor not found", metadata: ["pod": "\(record.podName)", "cause": "\(error)"])
                if error.tellsOfItsEnd { return .gone }
            }
            try? await dependencies.time.sleep(for: .seconds(1))
        }
        return .undecided
    }

    /// The sandbox's turn is held.
    private func takeUp(
        _ record: SandboxRecord, _ monitor: any PodMonitoring, _ known: [MonitoredContainer]
    ) async throws(CRIError) {
        change(sandbox: record.id) { $0.monitor = monitor }
        let containers = state.withLock { $0.containers(in: record.id) }
        for container in containers {
            try await reconcile(container, known.first { $0.id == container.id })
        }
        let recorded = Set(containers.map(\.id))
        for stray in known where !recorded.contains(stray.id) {
            do throws(PodMonitorError) {
                try await monitor.kill(stray.id)
                try await monitor.remove(stray.id)
            } catch {
                logger.debug("stray container", metadata: ["container": "\(stray.id)", "cause": "\(error)"])
            }
        }
        watch(monitor, of: record.id)
        logger.info("pod adopted", metadata: ["pod": "\(record.podName)", "containers": "\(containers.count)"])
    }

    private func reconcile(_ record: ContainerRecord, _ monitored: MonitoredContainer?) async throws(CRIError) {
        let time = now()
        switch Recovery.action(for: record, monitored: monitored) {
        case .keep: return
        case .remove: return try await erase(record.id)
        case .created(let process): change(container: record.id) { $0.created(processID: process) }
        case .started(let moment, let process):
            change(container: record.id) {
                $0.created(processID: process)
                $0.started(at: moment)
            }
            emit(.started, container: record.id, sandbox: record.sandbox)
        case .ended(let exit):
            change(container: record.id) {
                $0.created(processID: 0)
                $0.apply(exit)
            }
        case .lost:
            change(container: record.id) {
                $0.lost("the pod's monitor does not know the container", exitCode: 137, at: time)
            }
        }
        try await persist(container: record.id)
        if let changed = state.withLock({ $0.containers[record.id]?.record }) { settle(changed) }
    }
}
