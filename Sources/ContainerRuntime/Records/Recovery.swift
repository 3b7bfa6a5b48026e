import CRI

/// What a starting daemon does with what it finds: pure decisions over the records and what the monitors say.
enum Recovery {
    enum SandboxAction: Sendable, Hashable {
        /// Nobody knows it, or its removal has begun: clear it away.
        case remove
        /// It may run: connect to its monitor.
        case adopt
        /// Nothing of it can run. It stays on the books, not ready, until the kubelet removes it.
        case bury(message: String, exitCode: Int32)
        /// It was stopped in order.
        case keep
    }

    static func action(for record: SandboxRecord, bootID: String) -> SandboxAction {
        switch record.phase {
        case .creating, .removing: .remove
        case .resuming: .bury(message: record.bootID == bootID ? "it was being started again" : rebooted, exitCode: 255)
        case .notReady: record.bootID == bootID ? .keep : .bury(message: rebooted, exitCode: 255)
        case .ready: record.bootID == bootID ? .adopt : .bury(message: rebooted, exitCode: 255)
        }
    }

    private static let rebooted = "the node was restarted"

    enum ContainerAction: Sendable, Equatable {
        /// Nobody knows it, or its removal has begun: clear it away.
        case remove
        /// The record is right.
        case keep
        /// It was made, and the record of that had not been written yet.
        case created(processID: Int32)
        /// It has executed since the record was written.
        case started(at: UnixNanoseconds, processID: Int32)
        /// It has ended since the record was written.
        case ended(ProcessExit)
        /// The monitor knows nothing of it.
        case lost
    }

    static func action(for record: ContainerRecord, monitored: MonitoredContainer?) -> ContainerAction {
        switch record.phase {
        case .removing: return .remove
        case .exited: return .keep
        case .creating: if monitored == nil { return .remove }
        case .created, .running: break
        }
        guard let monitored else { return .lost }
        switch monitored.state {
        case .created:
            if record.phase == .creating { return .created(processID: monitored.processID) }
            return record.phase == .created ? .keep : .lost
        case .running:
            if record.phase == .running { return .keep }
            return .started(at: UnixNanoseconds(clamping: monitored.beganAt), processID: monitored.processID)
        case .exited: return monitored.exit.map(ContainerAction.ended) ?? .lost
        }
    }
}
