import Linux
import Synchronization
import TestSupport

@testable import ContainerRuntime

/// A pod's monitor without processes. It outlives the runtime that spawned it, like the real one.
final class FakePod: Sendable {
    struct State {
        var containers: [String: MonitoredContainer] = [:]
        var launches: [String: ContainerLaunch] = [:]
        var sessions: [String: String] = [:]
        var exits: [ProcessExit] = []
        var lastExit: UInt64 = 0
        var clock: UInt64 = 1_000
        var isAlive = true
        var follower: AsyncStream<ProcessExit>.Continuation?
        var ignoredSignals: Set<Int32> = []
        var signals: [Int32] = []
        var createError: PodMonitorError?
        var startError: PodMonitorError?
        var execError: PodMonitorError?
        /// Holds `create` up.
        var gate: FakeGate?

        /// Under the lock, so that exits come in the order of their numbers.
        mutating func tell(_ exit: ProcessExit) {
            exits.append(exit)
            follower?.yield(exit)
        }
    }

    let name: String
    let state = Mutex(State())

    init(name: String) { self.name = name }

    func end(_ id: String, code: Int32, outOfMemory: Bool = false) {
        state.withLock { state in
            guard var container = state.containers[id], container.state != .exited else { return }
            state.lastExit += 1
            state.clock += 1
            let exit = ProcessExit(
                number: state.lastExit, subject: .container(id), exitCode: code, signal: 0, outOfMemory: outOfMemory,
                startedAt: container.startedAt, finishedAt: state.clock)
            container.state = .exited
            container.exit = exit
            state.containers[id] = container
            state.tell(exit)
        }
    }

    func endSession(_ id: String, code: Int32) {
        state.withLock { state in
            guard let container = state.sessions.removeValue(forKey: id) else { return }
            state.lastExit += 1
            let exit = ProcessExit(
                number: state.lastExit, subject: .exec(session: id, container: container), exitCode: code, signal: 0,
                outOfMemory: false, startedAt: 0, finishedAt: 0)
            state.tell(exit)
        }
    }

    func die() {
        let follower = state.withLock { state in
            state.isAlive = false
            return state.follower
        }
        follower?.finish()
    }

    var unacknowledged: Int { state.withLock { $0.exits.count } }
}

/// One daemon's connection to a pod's monitor.
struct FakePodMonitor: PodMonitoring {
    let pod: FakePod
    let exits: AsyncStream<ProcessExit>
    var processID: Int32 { 4_242 }

    init(_ pod: FakePod) {
        self.pod = pod
        let (stream, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
        exits = stream
        pod.state.withLock { state in
            state.follower?.finish()
            state.follower = continuation
            for exit in state.exits { continuation.yield(exit) }
        }
    }

    private func alive<Value>(
        _ body: (inout FakePod.State) throws(PodMonitorError) -> Value
    ) throws(PodMonitorError) -> Value {
        try pod.state.withLock { state throws(PodMonitorError) in
            guard state.isAlive else { throw .monitorGone(pod: pod.name) }
            return try body(&state)
        }
    }

    func networkNamespace() throws(PodMonitorError) -> Descriptor {
        do throws(KernelError) { return try Descriptor.open("/proc/self/ns/net", 0) } catch { throw .kernel(error) }
    }

    func create(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        await pod.state.withLock({ $0.gate })?.wait()
        return try alive { state throws(PodMonitorError) in
            if let error = state.createError { throw error }
            guard state.containers[container.id] == nil else { throw .alreadyExists(id: container.id) }
            state.clock += 1
            state.launches[container.id] = container
            state.containers[container.id] = MonitoredContainer(
                id: container.id, state: .created, processID: 77, createdAt: state.clock, startedAt: 0, exit: nil)
            return LaunchReport(processID: 77, createdAt: state.clock, startedAt: 0, warnings: [])
        }
    }

    func proceed(_ id: String) async throws(PodMonitorError) -> LaunchReport {
        try alive { state throws(PodMonitorError) in
            guard let container = state.containers[id] else { throw .notFound(id: id) }
            return LaunchReport(processID: 77, createdAt: container.createdAt, startedAt: 0, warnings: [])
        }
    }

    func start(_ id: String) async throws(PodMonitorError) -> LaunchReport {
        let report = try alive { state throws(PodMonitorError) -> LaunchReport? in
            guard var container = state.containers[id] else { throw .notFound(id: id) }
            if state.startError != nil { return nil }
            state.clock += 1
            container.state = .running
            container.startedAt = state.clock
            state.containers[id] = container
            return LaunchReport(
                processID: 77, createdAt: container.createdAt, startedAt: container.startedAt, warnings: [])
        }
        if let report { return report }
        let error = pod.state.withLock { $0.startError }
        if error?.tellsOfItsEnd == true { pod.die() } else { pod.end(id, code: 127) }
        throw error ?? .notFound(id: id)
    }

    func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> RunningExec {
        try alive { state throws(PodMonitorError) in
            guard state.containers[session.containerID]?.state == .running else {
                throw .wrongState(id: session.containerID, operation: "exec in")
            }
            if let error = state.execError { throw error }
            state.sessions[session.id] = session.containerID
        }
        if session.process.arguments.first == "false" { pod.endSession(session.id, code: 1) }
        if session.process.arguments.first == "true" { pod.endSession(session.id, code: 0) }
        return RunningExec(id: session.id, processID: 78, stdin: nil, stdout: nil, stderr: nil, terminal: nil)
    }

    func signal(_ id: String, _ signal: Int32) async throws(PodMonitorError) {
        let ends = try alive { state throws(PodMonitorError) in
            state.signals.append(signal)
            return !state.ignoredSignals.contains(signal)
        }
        if ends { pod.end(id, code: 128 + signal) }
    }

    func kill(_ id: String) async throws(PodMonitorError) {
        try alive { state throws(PodMonitorError) in
            guard state.containers[id] != nil else { throw .notFound(id: id) }
        }
        pod.end(id, code: 137)
    }

    func killExec(_ id: String) async throws(PodMonitorError) { pod.endSession(id, code: 137) }
    func resize(_ id: String, to size: TerminalSize) async throws(PodMonitorError) {}
    func attach(_ id: String) async throws(PodMonitorError) -> AttachSession { throw .notFound(id: id) }
    func closeInput(_ id: String) async throws(PodMonitorError) {}
    func reopenLog(_ id: String) async throws(PodMonitorError) {}

    func remove(_ id: String) async throws(PodMonitorError) {
        try alive { state throws(PodMonitorError) in
            guard let container = state.containers[id] else { throw .notFound(id: id) }
            guard container.state == .exited else { throw .wrongState(id: id, operation: "remove") }
            state.containers[id] = nil
        }
    }

    func containers() async throws(PodMonitorError) -> [MonitoredContainer] {
        try alive { state throws(PodMonitorError) in Array(state.containers.values) }
    }

    func unacknowledgedExits() async throws(PodMonitorError) -> UnacknowledgedExits {
        try alive { UnacknowledgedExits(count: $0.exits.count, oldest: $0.exits.first?.number ?? 0) }
    }

    func acknowledge(upTo number: UInt64) async throws(PodMonitorError) {
        try alive { state throws(PodMonitorError) in state.exits.removeAll { $0.number <= number } }
    }

    func shutdown() async throws(PodMonitorError) {
        _ = try alive { state throws(PodMonitorError) in state.containers.count }
        pod.die()
    }
}

/// All monitors of a node, by their directories.
final class FakeMonitors: PodMonitorSpawning {
    private let pods = Mutex<[String: FakePod]>([:])
    /// Holds up the answers of monitors that run: they are stopped, and live.
    let silence = Mutex<FakeGate?>(nil)

    var all: [FakePod] { pods.withLock { Array($0.values) } }
    var only: FakePod? { all.count == 1 ? all.first : nil }

    func spawn(_ configuration: PodMonitorConfiguration) async throws(PodMonitorError) -> any PodMonitoring {
        let pod = FakePod(name: configuration.pod)
        pods.withLock { $0[configuration.directory] = pod }
        return FakePodMonitor(pod)
    }

    func adopt(pod: String, directory: String) async throws(PodMonitorError) -> any PodMonitoring {
        await silence.withLock { $0 }?.wait()
        guard let found = pods.withLock({ $0[directory] }), found.state.withLock({ $0.isAlive }) else {
            throw .unreachable(directory: directory, cause: KernelError("connect", directory, 111))
        }
        return FakePodMonitor(found)
    }
}
