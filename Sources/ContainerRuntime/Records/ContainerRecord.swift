import CRI
import Linux

/// What is kept of a container on disk. Its phases, in order:
///
///     creating -> created -> running -> exited -> removing
///
/// with `created -> exited` for one that failed to start or was killed before. A change that the order does not know does nothing.
struct ContainerRecord: Sendable, Hashable {
    enum Phase: String, Sendable {
        /// Being made: a new daemon removes it, unless the monitor has it already.
        case creating
        case created
        case running
        case exited
        /// Its removal has begun and must be finished.
        case removing
    }

    let id: String
    let sandbox: String
    let metadata: ContainerMetadata
    var phase = Phase.creating
    /// The image as the pod named it.
    let image: String
    let imageID: String
    let createdAt: UnixNanoseconds
    var startedAt: UnixNanoseconds = 0
    var finishedAt: UnixNanoseconds = 0
    var exitCode: Int32 = 0
    var reason = ""
    var message = ""
    var processID: Int32 = 0
    var warnings: [String] = []
    let labels: [String: String]
    let annotations: [String: String]
    /// Absolute; empty: no log.
    let logPath: String
    let stopSignal: Int32
    let hasTerminal: Bool
    let hasInput: Bool
    /// Its standard input ends with the first attached session that ends it.
    let hasInputOnce: Bool
    /// The container whose directory has its writable layer: itself, or the first of those that it goes on from.
    let layer: String
    let exec: ExecTemplate
    let mounts: [CRI.Mount]
    /// As they were last set.
    var resources: ContainerResources
    /// As it was resolved with the image's; of a long one the first words, at most 4 KiB of them.
    var command: [String] = []
    /// The names of its hooks, for the message where one fails.
    var hooks: [String] = []
    var hostHooks: [HostHook] = []
    /// The keys of the layers of its image and of those that it has as volumes.
    var layers: [String] = []

    init(
        id: String, sandbox: SandboxRecord, config: ContainerConfig, imageID: String, stopSignal: Int32,
        exec: ExecTemplate, layer: String? = nil, createdAt: UnixNanoseconds
    ) {
        self.id = id
        self.sandbox = sandbox.id
        metadata = config.metadata
        image = config.image
        self.imageID = imageID
        self.createdAt = createdAt
        labels = config.labels
        annotations = config.annotations
        logPath = sandbox.logPath(of: config)
        self.stopSignal = stopSignal
        hasTerminal = config.terminal
        hasInput = config.standardInput
        hasInputOnce = config.standardInput && config.standardInputOnce
        self.exec = exec
        self.layer = layer ?? id
        mounts = config.mounts
        resources = config.resources
    }

    mutating func take(command words: [String]) {
        var length = 0
        command = Array(
            words.prefix { word in
                length += word.utf8.count + 1
                return length <= 4 << 10
            })
        // Its program is named where there is none.
        if command.isEmpty, let program = words.first { command = [program] }
    }

    var status: ContainerStatus {
        let state: ContainerState =
            switch phase {
            case .creating, .created: .created
            case .running: .running
            case .exited: .exited
            case .removing: .unknown
            }
        var status = ContainerStatus(
            id: id, sandbox: sandbox, metadata: metadata, state: state, createdAt: createdAt, image: image,
            imageID: imageID)
        status.startedAt = startedAt
        status.finishedAt = finishedAt
        status.exitCode = exitCode
        status.reason = reason
        status.message = message
        status.labels = labels
        status.annotations = annotations
        status.logPath = logPath
        status.processID = processID
        status.warnings = warnings
        status.mounts = mounts
        status.resources = resources
        status.user = ContainerUser(
            userID: exec.userID, groupID: exec.groupID, supplementaryGroups: exec.supplementaryGroups)
        status.stopSignal = SignalNames.name(stopSignal)
        (status.hasTerminal, status.hasInput) = (hasTerminal, hasInput)
        status.command = command
        return status
    }
}

// MARK: Changes

extension ContainerRecord {
    mutating func created(processID: Int32) {
        guard phase == .creating else { return }
        phase = .created
        self.processID = processID
    }

    mutating func started(at time: UnixNanoseconds) {
        guard phase == .created else { return }
        phase = .running
        startedAt = time
    }

    /// The exit of what never executed a program may have been reported before: this says what it was, but for want of memory.
    mutating func failedToStart(_ message: String, exitCode: Int32, at time: UnixNanoseconds) {
        guard phase == .created || phase == .exited && startedAt == 0 && reason != "OOMKilled" else { return }
        end(exitCode, "StartError", message, at: time)
    }

    /// - Parameter startedAt: When it had executed, 0 where it never did: a start that this daemon did not see is told by the exit.
    mutating func ended(_ code: Int32, outOfMemory: Bool, startedAt: UnixNanoseconds, at time: UnixNanoseconds) {
        guard phase == .running || phase == .created else { return }
        if self.startedAt == 0 { self.startedAt = startedAt }
        let reason = outOfMemory ? "OOMKilled" : code == 0 ? "Completed" : "Error"
        end(code, reason, outOfMemory ? "the container reached its memory limit" : "", at: time)
    }

    /// Its end was seen by nobody: the monitor or the machine went down with it.
    mutating func lost(_ message: String, exitCode: Int32, at time: UnixNanoseconds) {
        guard phase == .running || phase == .created else { return }
        end(exitCode, "Error", message, at: time)
    }

    mutating func removing() {
        phase = .removing
    }

    private mutating func end(_ code: Int32, _ reason: String, _ message: String, at time: UnixNanoseconds) {
        phase = .exited
        exitCode = code
        self.reason = reason
        self.message = message
        finishedAt = time
        processID = 0
    }
}
