import Linux
import PodMonitor

/// What the runtime asks of a pod's monitor. `PodMonitorClient` is the real one; tests bring a fake.
///
/// Every call is one message to the monitor and its answer; none blocks the calling thread. After the monitor has died
/// every call throws `.monitorGone`.
package protocol PodMonitoring: Sendable {
    /// The monitor's process in the daemon's pid namespace. It holds the pod's namespaces: /proc/<pid>/ns/net and so on.
    var processID: Int32 { get }

    /// Exits in the order of their numbers, those not yet acknowledged first. Ends when the monitor is gone. One reader.
    var exits: AsyncStream<ProcessExit> { get }

    /// The pod's network namespace, for setting up links in it.
    func networkNamespace() throws(PodMonitorError) -> Descriptor

    /// Prepares a container up to the moment before execve. Its identifier must be new to this pod.
    func create(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport

    /// Has a container go on that awaits the hooks of others (`LaunchPlan.awaitsHooks`), for which `create` returned early; returns as that does otherwise.
    func proceed(_ containerID: String) async throws(PodMonitorError) -> LaunchReport

    /// Lets a created container execute; returns when execve has succeeded. `.monitorGone` leaves open whether it did; any other error means that it
    /// did not.
    func start(_ containerID: String) async throws(PodMonitorError) -> LaunchReport

    /// Starts a process in a running container; returns when execve has succeeded.
    func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> RunningExec

    /// Sends a signal to a container's first process.
    func signal(_ containerID: String, _ signal: Int32) async throws(PodMonitorError)

    /// Kills every process of the container's cgroup, exec sessions included.
    func kill(_ containerID: String) async throws(PodMonitorError)

    /// Kills the process of an exec session (and, with its terminal gone, what hangs on it).
    func killExec(_ sessionID: String) async throws(PodMonitorError)

    /// Tells a container's terminal its new size.
    func resize(_ containerID: String, to size: TerminalSize) async throws(PodMonitorError)

    /// A running container's streams from now on. A reader that falls more than 1 MiB behind is cut off; the container
    /// is never held back by it.
    func attach(_ containerID: String) async throws(PodMonitorError) -> AttachSession

    /// Closes the monitor's end of the container's standard input, so that the container reads end of file.
    func closeInput(_ containerID: String) async throws(PodMonitorError)

    /// Opens the log file anew by its path, after somebody moved it away.
    func reopenLog(_ containerID: String) async throws(PodMonitorError)

    /// Forgets an exited container.
    func remove(_ containerID: String) async throws(PodMonitorError)

    /// All containers the monitor knows.
    func containers() async throws(PodMonitorError) -> [MonitoredContainer]

    /// The exits that it keeps because they were not acknowledged; none from a monitor too old to say.
    func unacknowledgedExits() async throws(PodMonitorError) -> UnacknowledgedExits

    /// Tells the monitor that exits up to and including this number are recorded and may be forgotten.
    func acknowledge(upTo number: UInt64) async throws(PodMonitorError)

    /// Kills what still runs in the pod and ends the monitor; returns when it is gone. The cgroups remain.
    func shutdown() async throws(PodMonitorError)
}

/// What a monitor keeps for a daemon that has not said that it knows.
package struct UnacknowledgedExits: Sendable, Hashable {
    package var count: Int
    /// The number of the one that waits longest; 0 where none does.
    package var oldest: UInt64

    package init(count: Int = 0, oldest: UInt64 = 0) {
        self.count = count
        self.oldest = oldest
    }
}

/// A container to be launched in a pod.
package struct ContainerLaunch: Sendable {
    /// 1...128 bytes.
    package var id: String
    package var plan: LaunchPlan
    /// nil throws the output away (attached readers still see it). Not used by a process with a terminal alone.
    package var log: LogFile?
    /// Whether the container has a standard input that `attach` can write to; else it reads /dev/null.
    package var keepsInput: Bool
    /// The running container whose pid namespace this one joins, for a plan that says `.pod`; nil: the pod's own.
    package var processTarget: String?

    package init(id: String, plan: LaunchPlan, log: LogFile? = nil, keepsInput: Bool = false) {
        self.id = id
        self.plan = plan
        self.log = log
        self.keepsInput = keepsInput
    }
}

/// A container's log in the CRI's format. The directory must exist.
package struct LogFile: Sendable, Equatable {
    package var path: String
    /// Bytes after which the file is renamed to `<path>.<n>` and a new one begun.
    package var maximumSize: UInt64
    /// Files kept, the current one included.
    package var maximumFiles: UInt32

    package init(path: String, maximumSize: UInt64 = 10 << 20, maximumFiles: UInt32 = 5) {
        self.path = path
        self.maximumSize = maximumSize
        self.maximumFiles = maximumFiles
    }
}

/// What came of a launch.
package struct LaunchReport: Sendable, Equatable {
    /// The first process, in the daemon's pid namespace.
    package var processID: Int32
    /// Wall clock, nanoseconds since 1970: when the process was created, and when it had executed (0 while it has not).
    package var createdAt: UInt64
    package var startedAt: UInt64
    /// What could not be held and does not stop the launch, such as an OOM score this node may not set.
    package var warnings: [LaunchWarning]

    package init(
        processID: Int32, createdAt: UInt64, startedAt: UInt64, warnings: [LaunchWarning]
    ) {
        self.processID = processID
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.warnings = warnings
    }
}

package struct LaunchWarning: Sendable, Equatable, CustomStringConvertible {
    package var stage: LaunchStage
    package var code: Int32

    package init(
        stage: LaunchStage, code: Int32
    ) {
        self.stage = stage
        self.code = code
    }

    package var description: String { "\(stage): \(KernelError.text(of: code))" }
}

/// A process to be started in a running container.
package struct ExecLaunch: Sendable {
    /// 1...128 bytes, new to this pod.
    package var id: String
    package var containerID: String
    package var process: ProcessPlan
    /// Which streams the session has; those left out are /dev/null. With a terminal only `stdin` matters.
    package var stdin: Bool
    package var stdout: Bool
    package var stderr: Bool

    package init(
        id: String, containerID: String, process: ProcessPlan, stdin: Bool = false, stdout: Bool = true,
        stderr: Bool = true
    ) {
        self.id = id
        self.containerID = containerID
        self.process = process
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
    }
}

/// An exec session that runs. Its end comes as a `ProcessExit` with its identifier. Dropping the streams closes them.
package struct RunningExec: Sendable {
    package var id: String
    package var processID: Int32
    /// The daemon's ends. With a terminal, `stdin` and `stdout` are the terminal and `stderr` is nil.
    package var stdin: DescriptorStream?
    package var stdout: DescriptorStream?
    package var stderr: DescriptorStream?
    /// The terminal's own descriptor, for `resize`.
    package var terminal: Terminal?

    package init(
        id: String, processID: Int32, stdin: DescriptorStream? = nil, stdout: DescriptorStream? = nil,
        stderr: DescriptorStream? = nil,
        terminal: Terminal? = nil
    ) {
        self.id = id
        self.processID = processID
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.terminal = terminal
    }
}

/// A reader and writer of a running container's streams.
package struct AttachSession: Sendable {
    /// nil where the container keeps no input.
    package var stdin: DescriptorStream?
    package var stdout: DescriptorStream
    /// nil for a container with a terminal.
    package var stderr: DescriptorStream?

    package init(
        stdin: DescriptorStream? = nil, stdout: DescriptorStream, stderr: DescriptorStream? = nil
    ) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
    }
}

/// One process's end. Kept by the monitor until acknowledged, so one may come twice after a reconnection.
package struct ProcessExit: Sendable, Equatable {
    package enum Subject: Sendable, Equatable {
        case container(String)
        case exec(session: String, container: String)
    }

    /// Grows by one with each exit of the pod, from 1.
    package var number: UInt64
    package var subject: Subject
    /// 0...255; 128 plus the signal's number for a killed process.
    package var exitCode: Int32
    /// 0 where the process ended by itself.
    package var signal: Int32
    /// The kernel killed for memory in the container's cgroup since it started.
    package var outOfMemory: Bool
    /// Wall clock, nanoseconds since 1970.
    package var startedAt: UInt64
    package var finishedAt: UInt64

    package init(
        number: UInt64, subject: Subject, exitCode: Int32, signal: Int32, outOfMemory: Bool, startedAt: UInt64,
        finishedAt: UInt64
    ) {
        self.number = number
        self.subject = subject
        self.exitCode = exitCode
        self.signal = signal
        self.outOfMemory = outOfMemory
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// A container as the monitor sees it.
package struct MonitoredContainer: Sendable, Equatable {
    package typealias State = ListedState

    package var id: String
    package var state: State
    package var processID: Int32
    package var createdAt: UInt64
    package var startedAt: UInt64
    /// The exit's record, once exited.
    package var exit: ProcessExit?
    /// When it began to run, as far as is known.
    var beganAt: UInt64 { max(startedAt, createdAt) }

    package init(
        id: String, state: State, processID: Int32, createdAt: UInt64, startedAt: UInt64, exit: ProcessExit?
    ) {
        self.id = id
        self.state = state
        self.processID = processID
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.exit = exit
    }
}
