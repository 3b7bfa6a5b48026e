/// What failed on the way to execve.
package struct LaunchFailure: Equatable, Sendable {
    package var stage: UInt32
    package var code: Int32
    package var index: UInt32
    /// What a hook wrote of it.
    package var said: [UInt8]

    package init(stage: UInt32, code: Int32, index: UInt32, said: [UInt8] = []) {
        self.stage = stage
        self.code = code
        self.index = index
        self.said = said
    }
}

/// The life of one process, decided without I/O.
///
///     preparing ──ready──▶ prepared ──start──▶ starting ──end of file──▶ running ──exit──▶ exited
///      │  ▲  └──────────────── failure ─────────────┴──▶ failed
///   created proceed
///      ▼  │
///     awaiting
///
/// The control socket's end of file means execve only after the child said that it is about to execute.
package struct ProcessMachine: Equatable, Sendable {
    package enum Phase: Equatable, Sendable { case preparing, awaiting, prepared, starting, running, exited, failed }

    package enum Action: Equatable, Sendable {
        case none
        case replyPrepared
        case replyStarted
        case replyFailed(LaunchFailure)
        case reportExit
    }

    package private(set) var phase: Phase
    private var executing = false

    /// A process that goes on to execve at once, or waits for `start`.
    package init(startsAtOnce: Bool) { phase = startsAtOnce ? .starting : .preparing }

    package mutating func ready() -> Action {
        guard phase == .preparing else { return .none }
        phase = .prepared
        return .replyPrepared
    }

    /// Its mounts are made, and it waits for the hooks of others.
    package mutating func created() -> Action {
        guard phase == .preparing else { return .none }
        phase = .awaiting
        return .replyPrepared
    }

    /// False in any phase but awaiting.
    package mutating func proceed() -> Bool {
        guard phase == .awaiting else { return false }
        phase = .preparing
        return true
    }

    package mutating func isExecuting() { executing = true }

    /// False in any phase but prepared.
    package mutating func start() -> Bool {
        guard phase == .prepared else { return false }
        phase = .starting
        return true
    }

    package mutating func failed(_ failure: LaunchFailure) -> Action {
        guard [.preparing, .awaiting, .prepared, .starting].contains(phase) else { return .none }
        phase = .failed
        return .replyFailed(failure)
    }

    /// The control socket ended.
    package mutating func controlEnded(lostStage: UInt32) -> Action {
        switch phase {
        case .starting where executing:
            phase = .running
            return .replyStarted
        case .preparing, .awaiting, .starting: return failed(LaunchFailure(stage: lostStage, code: 0, index: 0))
        default: return .none
        }
    }

    /// The process is gone; the control socket has been read to its end before.
    package mutating func exited() -> Action {
        switch phase {
        case .running, .prepared:
            phase = .exited
            return .reportExit
        default: return .none
        }
    }
}
