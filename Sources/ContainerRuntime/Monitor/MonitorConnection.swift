import APIMachinery
import Glibc
import Linux
import PodMonitor
import Synchronization

/// The daemon's end of a monitor's socket: matches replies to requests, passes exits on, and connects again when the
/// monitor cut the connection but lives.
///
/// At most `limit` requests wait for their reply; one more fails with `.limit`. Exits are bounded by the monitor's
/// ledger, which refuses new work until they are acknowledged.
final class MonitorConnection: Sendable {
    private typealias Waiter = CheckedContinuation<Result<MonitorReply, PodMonitorError>, Never>

    private struct State {
        var socket: MessageSocket?
        var token: EventThread.Token?
        var waiting: [UInt32: Waiter] = [:]
        var lastRequest: UInt32 = 0
        var lastExit: UInt64 = 0
        var isGone = false
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        /// Who waits for a connection after a cut.
        var cutWaiters: [CheckedContinuation<Void, Never>] = []
    }

    let pod: String
    let exits: AsyncStream<ProcessExit>
    private let directory: String
    private let events: EventThread
    private let program: DeviceProgram?
    private let time: any TimeSource
    private let exitSink: AsyncStream<ProcessExit>.Continuation
    private let state = Mutex(State())

    static let limit = 1024
    static let socketName = "monitor.sock"
    /// Between two attempts to connect again; doubled up to the second.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(5))

    init(pod: String, directory: String, events: EventThread, program: DeviceProgram?, time: any TimeSource) {
        self.program = program
        self.time = time
        self.pod = pod
        self.directory = directory
        self.events = events
        (exits, exitSink) = AsyncStream.makeStream(of: ProcessExit.self)
    }

    /// Connects and greets; returns the monitor's process number.
    /// - Parameter patience: how long the answer may take, then ETIMEDOUT; nil: as long as the monitor lives, which the socket tells, or until the
    ///   task is cancelled.
    func open(patience: Duration?) async throws(PodMonitorError) -> Int32 {
        do throws(KernelError) { try connect() } catch {
            throw .unreachable(directory: directory, cause: error)
        }
        let timer = patience.map { limit in
            Task { [weak self, time] in
                do { try await time.sleep(for: limit) } catch { return }
                self?.giveUp()
            }
        }
        defer { timer?.cancel() }
        let greeting = await withTaskCancellationHandler {
            await greet()
        } onCancel: {
            disconnect()
        }
        if case .failure = greeting { disconnect() }
        return try greeting.get()
    }

    private func greet() async -> Result<Int32, PodMonitorError> {
        do throws(PodMonitorError) {
            let reply = try await request(
                .hello, operation: "greet", id: directory, descriptors: program.map { [$0.descriptor] } ?? []
            ) {
                $0.append(protocolVersion)
                if let program { $0.append(bytes: program.rules) }
            }
            return .success(Int32(bitPattern: reply.number(at: 1)))
        } catch {
            return .failure(error)
        }
    }

    /// Sends a request and waits for its answer, which is `done`; anything else is thrown.
    func request(
        _ kind: MessageKind, operation: String, id: String, descriptors: [SharedDescriptor] = [],
        names: PlanNames? = nil, _ fill: (inout WireWriter) -> Void
    ) async throws(PodMonitorError) -> MonitorReply {
        let reply = try await answer(to: kind, id: id, descriptors: descriptors, fill)
        if let error = reply.error(id: id, operation: operation, names: names) { throw error }
        return reply
    }

    /// Sends a request and waits for its answer, whatever that says; what is thrown had none.
    func answer(
        to kind: MessageKind, id: String, descriptors: [SharedDescriptor], _ fill: (inout WireWriter) -> Void
    ) async throws(PodMonitorError) -> MonitorReply {
        let outcome: Result<MonitorReply, PodMonitorError> = await withCheckedContinuation { waiter in
            guard let number = enlist(waiter, id: id) else { return }
            var message = WireWriter(kind, request: number)
            fill(&message)
            send(message, descriptors, number)
        }
        return try outcome.get()
    }

    /// The monitor's process has ended: what it still said is taken, then everything that waits fails.
    func monitorEnded() {
        drainSocket()
        disconnect()
    }

    /// Closes the socket: everything that waits fails, the exits end.
    func disconnect() {
        let (waiting, token, enders, socket) = state.withLock { state in
            state.isGone = true
            let socket = state.socket
            state.socket = nil
            let taken = (state.waiting, state.token, state.endWaiters + state.cutWaiters, socket)
            state.waiting = [:]
            state.token = nil
            state.endWaiters = []
            state.cutWaiters = []
            return taken
        }
        if let token { events.remove(token) }
        socket?.descriptor.close()
        for waiter in waiting.values { waiter.resume(returning: .failure(.monitorGone(pod: pod))) }
        exitSink.finish()
        for waiter in enders { waiter.resume() }
    }

    /// Returns when the monitor's process has ended.
    func ended() async {
        await withCheckedContinuation { waiter in
            let isGone = state.withLock { state in
                if !state.isGone { state.endWaiters.append(waiter) }
                return state.isGone
            }
            if isGone { waiter.resume() }
        }
    }

    /// Returns when the monitor is connected again after a cut, or gone.
    func mended() async {
        await withCheckedContinuation { waiter in
            let isDecided = state.withLock { state in
                let isDecided = state.socket != nil || state.isGone
                if !isDecided { state.cutWaiters.append(waiter) }
                return isDecided
            }
            if isDecided { waiter.resume() }
        }
    }

    private func giveUp() {
        let waiting = state.withLock { state in
            let taken = state.waiting
            state.waiting = [:]
            return taken
        }
        let late = KernelError("wait for", "monitor of \(pod)", ETIMEDOUT)
        for waiter in waiting.values { waiter.resume(returning: .failure(.kernel(late))) }
    }

    private func enlist(_ waiter: Waiter, id: String) -> UInt32? {
        let outcome = state.withLock { state -> Result<UInt32, PodMonitorError> in
            guard !state.isGone else { return .failure(.monitorGone(pod: pod)) }
            guard state.waiting.count < MonitorConnection.limit else { return .failure(.limit(id: id, of: "requests")) }
            state.lastRequest &+= 1
            state.waiting[state.lastRequest] = waiter
            return .success(state.lastRequest)
        }
        switch outcome {
        case .success(let number): return number
        case .failure(let error):
            waiter.resume(returning: .failure(error))
            return nil
        }
    }

    private func send(_ message: WireWriter, _ descriptors: [SharedDescriptor], _ number: UInt32) {
        let socket = state.withLock { $0.socket }
        do throws(KernelError) {
            guard let socket else { throw KernelError("send", "monitor of \(pod)", ENOTCONN) }
            try socket.send(message.bytes, descriptors)
        } catch {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: number) }
            waiter?.resume(returning: .failure(.kernel(error)))
        }
    }

    // MARK: The socket

    private func connect() throws(KernelError) {
        let socket = try MessageSocket.connect(in: directory, name: MonitorConnection.socketName)
        let outcome = state.withLock { state -> Result<Void, KernelError> in
            do throws(KernelError) {
                guard !state.isGone else { throw KernelError("connect", "monitor of \(pod)", ECONNABORTED) }
                // A handler that is called at once waits for the lock, and then finds the socket with its token.
                state.token = try socket.descriptor.withRaw { raw throws(KernelError) in
                    try events.watch(raw, for: .read) { [weak self] in self?.drainSocket() }
                }
                state.socket = socket
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Takes every message that has come.
    private func drainSocket() {
        guard let socket = state.withLock({ $0.socket }) else { return }
        var isReset = false
        while true {
            do throws(KernelError) {
                guard let message = try socket.receive() else { return }
                if message.bytes.isEmpty { return reconnect(socket) }
                take(message.bytes, message.descriptors)
            } catch {
                // The end of one that left something unread is told once, and before what it had said until then.
                guard error.code == ECONNRESET, !isReset else { return reconnect(socket) }
                isReset = true
            }
        }
    }

    private func take(_ bytes: [UInt8], _ descriptors: [SharedDescriptor]) {
        bytes.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            let kind = MessageKind(rawValue: reader.number(UInt32.self))
            let number = reader.number(UInt32.self)
            if kind == .exit { return takeExit(ExitRecord(from: &reader)) }
            guard kind == .reply, let status = ReplyStatus(rawValue: reader.number(UInt32.self)) else { return }
            let waiter = state.withLock { $0.waiting.removeValue(forKey: number) }
            let reply = MonitorReply(status: status, body: Array(bytes.dropFirst(12)), descriptors: descriptors)
            waiter?.resume(returning: .success(reply))
        }
    }

    private func takeExit(_ record: ExitRecord) {
        let isNew = state.withLock { state in
            guard record.number > state.lastExit else { return false }
            state.lastExit = record.number
            return true
        }
        if isNew { exitSink.yield(ProcessExit(record)) }
    }

    /// The monitor cut us off, because we did not read or because another daemon came. What waited fails; a monitor that
    /// lives is greeted again and tells all unacknowledged exits.
    private func reconnect(_ old: MessageSocket) {
        let (waiting, token) = state.withLock { state -> ([UInt32: Waiter], EventThread.Token?) in
            guard state.socket === old else { return ([:], nil) }
            let taken = (state.waiting, state.token)
            state.waiting = [:]
            state.socket = nil
            state.token = nil
            return taken
        }
        guard let token else { return }
        events.remove(token)
        old.descriptor.close()
        let lost = KernelError("wait for", "monitor of \(pod)", ECONNRESET)
        for waiter in waiting.values { waiter.resume(returning: .failure(.kernel(lost))) }
        connectAgain(orAfter: Self.pauses.first)
    }

    /// What stands between us and a monitor that lives (no descriptor left, its queue full) passes: it is tried again until its process has ended.
    private func connectAgain(orAfter pause: Duration) {
        guard !state.withLock({ $0.isGone }) else { return }
        do throws(KernelError) { try connect() } catch {
            Task { [weak self, time] in
                do { try await time.sleep(for: pause) } catch { return }
                self?.connectAgain(orAfter: min(pause * 2, Self.pauses.longest))
            }
            return
        }
        let waiters = state.withLock { state in
            state.lastRequest &+= 1
            var hello = WireWriter(.hello, request: state.lastRequest)
            hello.append(protocolVersion)
            try? state.socket?.send(hello.bytes)
            defer { state.cutWaiters = [] }
            return state.cutWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
