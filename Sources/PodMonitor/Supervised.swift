import CLaunch

/// A process the monitor looks after: a container's first one, or that of an exec session.
struct Supervised {
    /// Names the process in poll tokens and to the log writer.
    let key: UInt32
    let container: [UInt8]
    /// Empty for a container's first process.
    let session: [UInt8]
    var machine: ProcessMachine
    var pid: Int32
    /// Open from when the process has been made until it is reaped; else -1.
    var pidfd: Int32
    /// Open until execve; -1 after.
    var control: Int32
    /// The process between that makes it, until that is over.
    var between: cl_between?
    /// The container's cgroup; -1 for a session.
    let cgroup: Int32
    /// The end of the standard input's pipe that is written to, while it is kept.
    var input: Int32
    /// The terminal's master, once it has come.
    var terminal: Int32 = -1
    /// Copies of the pipes' ends that the log writer reads, and where it writes: should the writer die, the next one
    /// goes on with them, and the container never sees a broken pipe.
    var output: Int32 = -1
    var errors: Int32 = -1
    var log = LogTarget()
    let keepsInput: Bool
    /// The request to answer, while one waits.
    var request: UInt32?
    var warnings: [LaunchFailure] = []
    let createdAt: UInt64
    var startedAt: UInt64 = 0
    /// How it ended, once it has; its number is 0 until it was reported.
    var record: ExitRecord?
    /// What is done about it unless something happens before.
    var due: Due?

    var isSession: Bool { !session.isEmpty }
    var isAlive: Bool { pidfd >= 0 }
    var isBeingMade: Bool { between != nil }
    /// Its launch failed and was answered; only the reaping is left.
    var hasFailed: Bool { machine.phase == .failed }

    /// One that was let go may be executing by now: nobody may take it for one that can be made again.
    var listedState: ListedState {
        record != nil ? .exited : machine.phase == .running || machine.phase == .starting ? .running : .created
    }

    /// A container, from when it has been made until it is removed; the name of one that failed may be another's by now.
    var isListed: Bool { !isSession && !isBeingMade && !hasFailed }

    /// Closes what is open of it.
    mutating func closeAll() {
        cm_close(pidfd)
        cm_close(control)
        cm_close(cgroup)
        cm_close(input)
        cm_close(terminal)
        cm_close(output)
        cm_close(errors)
        output = -1
        errors = -1
        pidfd = -1
        control = -1
        input = -1
        terminal = -1
    }
}

/// What is to be done about a process at a certain time.
struct Due {
    enum Action {
        /// It has not been made, and is given up.
        case giveUp
        /// It has ended, and that is reported though the log's end has not been told.
        case report
        /// It has failed and nothing tells of its end: it is looked at.
        case look
    }

    let action: Action
    /// Monotonic nanoseconds.
    let time: UInt64

    /// - Parameter patience: milliseconds from now.
    init(_ action: Action, in patience: UInt64) {
        self.action = action
        time = cm_monotonic_clock() + patience * 1_000_000
    }
}

/// What woke the monitor, packed into a poll token.
enum Wake {
    case listener
    case client
    case writer
    case control(UInt32)
    case process(UInt32)
    case end
    case made(UInt32)
    /// A process between has ended: its number.
    case between(Int32)

    init?(token: UInt64) {
        let key = UInt32(truncatingIfNeeded: token)
        switch token >> 32 {
        case 1: self = .listener
        case 2: self = .client
        case 3: self = .writer
        case 4: self = .control(key)
        case 5: self = .process(key)
        case 6: self = .end
        case 7: self = .made(key)
        case 8: self = .between(Int32(bitPattern: key))
        default: return nil
        }
    }

    var token: UInt64 {
        switch self {
        case .listener: 1 << 32
        case .client: 2 << 32
        case .writer: 3 << 32
        case .control(let key): 4 << 32 | UInt64(key)
        case .process(let key): 5 << 32 | UInt64(key)
        case .end: 6 << 32
        case .made(let key): 7 << 32 | UInt64(key)
        case .between(let process): 8 << 32 | UInt64(UInt32(bitPattern: process))
        }
    }
}
