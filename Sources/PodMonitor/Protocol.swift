/// The version of the monitor's protocol. A monitor serves its pod for months: a daemon must speak every version that a
/// running monitor may have.
package let protocolVersion: UInt32 = 1

/// What a message is. Requests carry a number that their reply repeats. Append, never renumber.
package enum MessageKind: UInt32, Sendable {
    case hello = 1
    case create = 2
    case start = 3
    case exec = 4
    case signal = 5
    case kill = 6
    case killExec = 7
    case resize = 8
    case attach = 9
    case closeInput = 10
    case reopenLog = 11
    case remove = 12
    case list = 13
    case acknowledge = 14
    case shutdown = 15
    /// A container that awaits the hooks of others goes on; answered as `create`, which was answered when it began to wait.
    case proceed = 16
    /// Trees of the next `create` of a container that has more than one message takes; none: that comes to nothing. Older monitors do not know it.
    case trees = 17

    case reply = 64
    case exit = 65
}

/// How a request came out. Append, never renumber.
package enum ReplyStatus: UInt32, Sendable {
    case done = 0
    /// Stage, errno and index follow, and what a hook said where it was one.
    case launchFailed = 1
    case notFound = 2
    case alreadyExists = 3
    case wrongState = 4
    case limit = 5
    /// The errno follows.
    case kernel = 6
    /// The request could not be read.
    case malformed = 7
    /// The monitor's own version follows.
    case version = 8
}

/// How a container stands in the answer to `list`. Append, never renumber.
package enum ListedState: UInt32, Sendable {
    case created = 1
    /// Let go to execute; its time of start is 0 until it has.
    case running = 2
    case exited = 3
}

/// The monitor's bounds.
package enum MonitorLimit {
    /// Bytes of one message; a larger plan travels in a sealed memory file.
    package static let message = 64 << 10
    package static let inlinePlan = 48 << 10
    package static let identifier = 128
    package static let path = 4096
    /// Containers a monitor knows at once; `create` beyond is refused.
    package static let containers = 256
    /// Exec sessions running at once; `exec` beyond is refused.
    package static let sessions = 256
    /// Those of one container that were given up and that the kernel has not ended yet; `exec` in it beyond is refused.
    package static let lostSessions = 64
    /// Exits not yet acknowledged; `create`, `start` and `exec` beyond are refused until some are.
    package static let exits = 1024
    /// Bytes of the device rules that come with a greeting: 256 rules.
    package static let deviceRules = 256 * 24
    /// Descriptors in one message. Monitors of earlier versions live on and take no more.
    package static let descriptors = 64
    /// What a non-blocking call returns when it would block: EAGAIN, negated.
    static let wouldBlock: Int64 = -11
    /// Milliseconds in which a process must be made that another one makes.
    package static let makingPatience: UInt64 = 10_000
    /// Milliseconds between two looks at a process that failed and that nothing tells of.
    package static let unwatchedPatience: UInt64 = 1_000
    /// Milliseconds for which a container's exit waits for the end of its log: who sees the exit reads the log at once.
    package static let logPatience: UInt64 = 1_000
}

/// Bits in `create` and `exec`; 1 is not in use.
package enum LaunchFlag {
    package static let keepsInput: UInt32 = 2
    /// The plan is the message's last descriptor.
    package static let planInMemory: UInt32 = 4
    /// Which standard streams of an exec session come as descriptors, in this order.
    package static let stdin: UInt32 = 8
    package static let stdout: UInt32 = 16
    package static let stderr: UInt32 = 32
    /// A container joins the pid namespace of another, whose identifier follows the log's bounds.
    package static let joinsProcesses: UInt32 = 64
    /// Trees came beforehand; how many follows the container that is joined.
    package static let treesAhead: UInt32 = 128
}
