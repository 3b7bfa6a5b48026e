import CLaunch

/// The places in a monitor's life where its death, or a long stop, makes a difference. For tests; a release build passes them by.
package enum MonitorPoint: CaseIterable, Sendable {
    case greeted
    /// The container's first process is there; the daemon was not told.
    case containerCloned
    case containerPrepared
    /// It has executed; the daemon was not told.
    case containerExecuted
    case sessionCloned
    case sessionExecuted
    /// A process was reaped; its exit is not in the ledger.
    case processReaped
    /// The exit is in the ledger; the daemon was not told.
    case exitKept
    case exitAcknowledged
    case containerForgotten
    case ending

    package var name: StaticString {
        switch self {
        case .greeted: "monitor.greeted"
        case .containerCloned: "monitor.containerCloned"
        case .containerPrepared: "monitor.containerPrepared"
        case .containerExecuted: "monitor.containerExecuted"
        case .sessionCloned: "monitor.sessionCloned"
        case .sessionExecuted: "monitor.sessionExecuted"
        case .processReaped: "monitor.processReaped"
        case .exitKept: "monitor.exitKept"
        case .exitAcknowledged: "monitor.exitAcknowledged"
        case .containerForgotten: "monitor.containerForgotten"
        case .ending: "monitor.ending"
        }
    }

    /// Stops the process here where `SWIFTLET_HOLD` names the place, once, until it is told to go on (SIGCONT).
    @inline(__always)
    func reach() {
        #if DEBUG
            cm_hold(name.utf8Start, UInt64(name.utf8CodeUnitCount))
        #endif
    }
}
