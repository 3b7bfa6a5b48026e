import APIMachinery
import Glibc
import Linux
import Synchronization

/// A monitor whose answers are not waited for without end: a request that takes longer than its limit fails with ETIMEDOUT and goes on unobserved. So a
/// monitor that hangs in the kernel (a mount source on a dead server) holds up its own pod only, and that pod can still be killed.
struct BoundedMonitor: PodMonitoring {
    let base: any PodMonitoring
    let time: any TimeSource

    /// What mounts, or waits for the container's own file system.
    private static let launchLimit = Duration.seconds(120)
    private static let limit = Duration.seconds(10)

    var processID: Int32 { base.processID }
    var exits: AsyncStream<ProcessExit> { base.exits }
    func networkNamespace() throws(PodMonitorError) -> Descriptor { try base.networkNamespace() }

    func create(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        try await within(Self.launchLimit) { () async throws(PodMonitorError) in try await base.create(container) }
    }

    func proceed(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        try await within(Self.launchLimit) { () async throws(PodMonitorError) in try await base.proceed(containerID) }
    }

    func start(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        try await within(Self.launchLimit) { () async throws(PodMonitorError) in try await base.start(containerID) }
    }

    func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> RunningExec {
        try await within(Self.launchLimit) { () async throws(PodMonitorError) in try await base.exec(session) }
    }

    func signal(_ containerID: String, _ signal: Int32) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.signal(containerID, signal) }
    }

    func kill(_ containerID: String) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.kill(containerID) }
    }

    func killExec(_ sessionID: String) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.killExec(sessionID) }
    }

    func resize(_ containerID: String, to size: TerminalSize) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in
            try await base.resize(containerID, to: size)
        }
    }

    func attach(_ containerID: String) async throws(PodMonitorError) -> AttachSession {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.attach(containerID) }
    }

    func closeInput(_ containerID: String) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.closeInput(containerID) }
    }

    func reopenLog(_ containerID: String) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.reopenLog(containerID) }
    }

    func remove(_ containerID: String) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.remove(containerID) }
    }

    func containers() async throws(PodMonitorError) -> [MonitoredContainer] {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.containers() }
    }

    func unacknowledgedExits() async throws(PodMonitorError) -> UnacknowledgedExits {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.unacknowledgedExits() }
    }

    func acknowledge(upTo number: UInt64) async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.acknowledge(upTo: number) }
    }

    func shutdown() async throws(PodMonitorError) {
        try await within(Self.limit) { () async throws(PodMonitorError) in try await base.shutdown() }
    }

    private func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws(PodMonitorError) -> Value
    ) async throws(PodMonitorError) -> Value {
        let answer = Answer<Value>()
        let time = time
        let late = PodMonitorError.kernel(KernelError("wait for", "the pod's monitor, \(limit)", ETIMEDOUT))
        let timer = Task {
            do { try await time.sleep(for: limit) } catch { return }
            answer.give(.failure(late))
        }
        Task {
            do throws(PodMonitorError) { answer.give(.success(try await body())) } catch {
                answer.give(.failure(error))
            }
        }
        let outcome = await answer.wait()
        timer.cancel()
        return try outcome.get()
    }
}

/// What comes first counts; waited for once.
private final class Answer<Value: Sendable>: Sendable {
    private struct State {
        var outcome: Result<Value, PodMonitorError>?
        var waiting: CheckedContinuation<Result<Value, PodMonitorError>, Never>?
    }

    private let state = Mutex(State())

    func give(_ outcome: Result<Value, PodMonitorError>) {
        let waiting = state.withLock { state -> CheckedContinuation<Result<Value, PodMonitorError>, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: outcome)
    }

    func wait() async -> Result<Value, PodMonitorError> {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiting = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
