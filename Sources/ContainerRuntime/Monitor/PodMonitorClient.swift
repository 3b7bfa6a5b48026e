import APIMachinery
import Glibc
import Linux
import PodMonitor

/// A pod's monitor, as the daemon reaches it.
package final class PodMonitorClient: PodMonitoring {
    package let processID: Int32
    private let connection: MonitorConnection
    private let process: ProcessHandle
    private let events: EventThread
    private let token: EventThread.Token
    /// How often one that asks after a start is cut off again before it gives up.
    private static let cutsBorne = 5

    /// Greets the monitor in `directory` and watches its process.
    /// - Parameter patience: how long it may take to answer; nil: as long as it lives.
    init(
        pod: String, directory: String, events: EventThread, process known: ProcessHandle?, program: DeviceProgram?,
        patience: Duration?, time: any TimeSource
    ) async throws(PodMonitorError) {
        let connection = MonitorConnection(
            pod: pod, directory: directory, events: events, program: program, time: time)
        processID = try await connection.open(patience: patience)
        do throws(KernelError) {
            let process: ProcessHandle
            if let known { process = known } else { process = try ProcessHandle(processID: processID) }
            token = try process.descriptor.withRaw { raw throws(KernelError) in
                try events.watch(raw, for: .read, once: true) { [weak connection] in
                    process.reap()
                    connection?.monitorEnded()
                }
            }
            self.process = process
        } catch {
            connection.disconnect()
            throw .unreachable(directory: directory, cause: error)
        }
        self.connection = connection
        self.events = events
    }

    deinit { disconnect() }

    /// Lets go of the monitor, which lives on and serves the next daemon. Every later call throws `.monitorGone`.
    package func disconnect() {
        events.remove(token)
        connection.disconnect()
    }

    package var exits: AsyncStream<ProcessExit> { connection.exits }

    package func networkNamespace() throws(PodMonitorError) -> Descriptor {
        do throws(KernelError) {
            return try Descriptor.open("/proc/\(processID)/ns/net", O_RDONLY)
        } catch {
            throw .kernel(error)
        }
    }

    package func create(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        try await launch(container, flags: 0, operation: "create")
    }

    package func run(_ container: ContainerLaunch) async throws(PodMonitorError) -> LaunchReport {
        try await launch(container, flags: LaunchFlag.start, operation: "run")
    }

    private func launch(
        _ container: ContainerLaunch, flags: UInt32, operation: String
    ) async throws(PodMonitorError) -> LaunchReport {
        let id = try checked(container.id)
        let plan = try encoded(container.id) { () throws(KernelError) in try container.plan.encoded() }
        var descriptors = plan.trees
        let memory = try inMemory(plan, &descriptors)
        let log = container.log
        let target = try container.processTarget.map { (id: String) throws(PodMonitorError) in try checked(id) }
        let input =
            (container.keepsInput ? LaunchFlag.keepsInput : 0) | (target != nil ? LaunchFlag.joinsProcesses : 0)
        let reply = try await connection.request(
            .create, operation: operation, id: container.id, descriptors: descriptors, names: plan.names
        ) {
            $0.append(bytes: id)
            $0.append(flags | input | memory.flag)
            $0.append(bytes: Array((log?.path ?? "").utf8))
            $0.append(log?.maximumSize ?? 0)
            $0.append(log?.maximumFiles ?? 0)
            if let target { $0.append(bytes: target) }
            $0.append(bytes: memory.inline)
        }
        return reply.report
    }

    package func start(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        do throws(PodMonitorError) {
            return try await simple(.start, "start", containerID).report
        } catch .kernel(let error) where error.code == ECONNRESET {
            guard let report = try await startWithoutAnswer(of: containerID) else { throw .kernel(error) }
            return report
        }
    }

    /// What became of a start whose answer was cut off: asked of a monitor that lives; of one that does not, `.monitorGone` is thrown. nil: it was
    /// not done.
    private func startWithoutAnswer(of containerID: String) async throws(PodMonitorError) -> LaunchReport? {
        var cuts = 0
        while true {
            await connection.mended()
            do throws(PodMonitorError) {
                let container = try await containers().first { $0.id == containerID }
                guard let container, container.state != .created else { return nil }
                return LaunchReport(
                    processID: container.processID, createdAt: container.createdAt,
                    startedAt: container.beganAt, warnings: [])
            } catch .kernel where cuts < Self.cutsBorne {
                // A monitor that dies may take one more connection.
                cuts += 1
            }
        }
    }

    package func signal(_ containerID: String, _ signal: Int32) async throws(PodMonitorError) {
        _ = try await simple(.signal, "signal", containerID) { $0.append(signal) }
    }

    package func kill(_ containerID: String) async throws(PodMonitorError) {
        _ = try await simple(.kill, "kill", containerID)
    }

    package func killExec(_ sessionID: String) async throws(PodMonitorError) {
        _ = try await simple(.killExec, "kill", sessionID)
    }

    package func resize(_ containerID: String, to size: TerminalSize) async throws(PodMonitorError) {
        _ = try await simple(.resize, "resize", containerID) {
            $0.append(size.columns)
            $0.append(size.rows)
        }
    }

    package func closeInput(_ containerID: String) async throws(PodMonitorError) {
        _ = try await simple(.closeInput, "close the input of", containerID)
    }

    package func reopenLog(_ containerID: String) async throws(PodMonitorError) {
        _ = try await simple(.reopenLog, "reopen the log of", containerID)
    }

    package func remove(_ containerID: String) async throws(PodMonitorError) {
        _ = try await simple(.remove, "remove", containerID)
    }

    package func containers() async throws(PodMonitorError) -> [MonitoredContainer] {
        try await connection.request(.list, operation: "list", id: connection.pod) { _ in }.containers
    }

    package func unacknowledgedExits() async throws(PodMonitorError) -> UnacknowledgedExits {
        try await connection.request(.list, operation: "list", id: connection.pod) { _ in }.unacknowledged
    }

    package func acknowledge(upTo number: UInt64) async throws(PodMonitorError) {
        _ = try await connection.request(.acknowledge, operation: "acknowledge", id: connection.pod) {
            $0.append(number)
        }
    }

    package func shutdown() async throws(PodMonitorError) {
        do throws(PodMonitorError) {
            _ = try await connection.request(.shutdown, operation: "shut down", id: connection.pod) { _ in }
        } catch .monitorGone {
            return
        } catch .kernel(let error) where error.code == ECONNRESET || error.code == EPIPE {
            // It was faster than its answer.
        }
        await connection.ended()
    }

    private func simple(
        _ kind: MessageKind, _ operation: String, _ id: String, _ fill: (inout WireWriter) -> Void = { _ in }
    ) async throws(PodMonitorError) -> MonitorReply {
        let name = try checked(id)
        return try await connection.request(kind, operation: operation, id: id) {
            $0.append(bytes: name)
            fill(&$0)
        }
    }

    private func checked(_ id: String) throws(PodMonitorError) -> [UInt8] {
        let bytes = Array(id.utf8)
        guard !bytes.isEmpty, bytes.count <= MonitorLimit.identifier else {
            throw .limit(id: id, of: "bytes in the identifier")
        }
        return bytes
    }

    private func encoded(
        _ id: String, _ encode: () throws(KernelError) -> EncodedPlan
    ) throws(PodMonitorError) -> EncodedPlan {
        do throws(KernelError) { return try encode() } catch { throw .kernel(error) }
    }

    /// A plan too long for a message goes into a memory file, whose descriptor is the message's last.
    private func inMemory(
        _ plan: EncodedPlan, _ descriptors: inout [SharedDescriptor]
    ) throws(PodMonitorError) -> (inline: [UInt8], flag: UInt32) {
        guard plan.bytes.count > MonitorLimit.inlinePlan else { return (plan.bytes, 0) }
        do throws(KernelError) {
            descriptors.append(try memoryFile(plan.bytes, name: "plan"))
        } catch {
            throw .kernel(error)
        }
        return ([], LaunchFlag.planInMemory)
    }
}

// MARK: Streams

extension PodMonitorClient {
    package func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> ExecSession {
        let id = try checked(session.id)
        let container = try checked(session.containerID)
        let plan = try encoded(session.id) { () throws(KernelError) in try session.process.encoded() }
        let pipes = try SessionPipes(session)
        var descriptors = pipes.theirs
        let memory = try inMemory(plan, &descriptors)
        let reply = try await connection.request(
            .exec, operation: "exec", id: session.id, descriptors: descriptors, names: plan.names
        ) {
            $0.append(bytes: id)
            $0.append(bytes: container)
            $0.append(pipes.flags | memory.flag)
            $0.append(bytes: memory.inline)
        }
        pipes.closeTheirs()
        var running = ExecSession(id: session.id, processID: reply.report.processID)
        do throws(KernelError) {
            if let master = reply.descriptors.first {
                running.terminal = Terminal(master: master)
                if session.stdin { running.stdin = try stream(master) }
                running.stdout = try stream(master)
            } else {
                running.stdin = try pipes.input.map { pipe throws(KernelError) in try stream(pipe.writeEnd) }
                running.stdout = try pipes.output.map { pipe throws(KernelError) in try stream(pipe.readEnd) }
                running.stderr = try pipes.errors.map { pipe throws(KernelError) in try stream(pipe.readEnd) }
            }
        } catch {
            throw .kernel(error)
        }
        return running
    }

    package func attach(_ containerID: String) async throws(PodMonitorError) -> AttachSession {
        let id = try checked(containerID)
        let output: Pipe
        let errors: Pipe
        do throws(KernelError) {
            output = try Pipe(capacity: 1 << 20)
            errors = try Pipe(capacity: 1 << 20)
        } catch {
            throw .kernel(error)
        }
        let reply = try await connection.request(
            .attach, operation: "attach to", id: containerID, descriptors: [output.writeEnd, errors.writeEnd]
        ) { $0.append(bytes: id) }
        output.writeEnd.close()
        errors.writeEnd.close()
        let hasTerminal = reply.number(at: 1) != 0
        do throws(KernelError) {
            return AttachSession(
                stdin: try reply.descriptors.first.map { end throws(KernelError) in try stream(end) },
                stdout: try stream(output.readEnd), stderr: hasTerminal ? nil : try stream(errors.readEnd))
        } catch {
            throw .kernel(error)
        }
    }

    private func stream(_ end: SharedDescriptor) throws(KernelError) -> DescriptorStream {
        DescriptorStream(try end.duplicate(), events: events)
    }
}

/// The pipes of an exec session without a terminal.
private struct SessionPipes {
    var input: Pipe?
    var output: Pipe?
    var errors: Pipe?

    init(_ session: ExecLaunch) throws(PodMonitorError) {
        guard session.process.terminal == nil else { return }
        do throws(KernelError) {
            if session.stdin { input = try Pipe() }
            if session.stdout { output = try Pipe() }
            if session.stderr { errors = try Pipe() }
        } catch {
            throw .kernel(error)
        }
    }

    /// The ends the process gets, in the protocol's order.
    var theirs: [SharedDescriptor] { [input?.readEnd, output?.writeEnd, errors?.writeEnd].compactMap { $0 } }

    var flags: UInt32 {
        (input != nil ? LaunchFlag.stdin : 0) | (output != nil ? LaunchFlag.stdout : 0)
            | (errors != nil ? LaunchFlag.stderr : 0)
    }

    func closeTheirs() {
        for end in theirs { end.close() }
    }
}
