import APIMachinery
import Glibc
import Linux
import PodMonitor

/// A pod's monitor, as the daemon reaches it.
package final class PodMonitorClient: PodMonitoring {
    package let processID: Int32
    let connection: MonitorConnection
    private let process: ProcessHandle
    let events: EventThread
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
        let id = try checked(container.id)
        let plan = try encoded { () throws(KernelError) in try container.plan.encoded() }
        var descriptors = plan.trees
        let memory = try inMemory(plan, &descriptors)
        let log = container.log
        let target = try container.processTarget.map { (id: String) throws(PodMonitorError) in try checked(id) }
        let flags =
            (container.keepsInput ? LaunchFlag.keepsInput : 0) | (target != nil ? LaunchFlag.joinsProcesses : 0)
        let reply = try await connection.sendAhead(
            descriptors, trees: plan.trees.count, of: container.id
        ) { [connection] (ahead, rest) async throws(PodMonitorError) in
            try await connection.answer(to: .create, id: container.id, descriptors: rest) {
                $0.append(bytes: id)
                $0.append(flags | memory.flag | (ahead > 0 ? LaunchFlag.treesAhead : 0))
                $0.append(bytes: Array((log?.path ?? "").utf8))
                $0.append(log?.maximumSize ?? 0)
                $0.append(log?.maximumFiles ?? 0)
                if let target { $0.append(bytes: target) }
                if ahead > 0 { $0.append(UInt32(ahead)) }
                $0.append(bytes: memory.inline)
            }
        }
        if let error = reply.error(id: container.id, operation: "create", names: plan.names) { throw error }
        return reply.report
    }

    package func proceed(_ containerID: String) async throws(PodMonitorError) -> LaunchReport {
        try await simple(.proceed, "proceed with", containerID).report
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

    func checked(_ id: String) throws(PodMonitorError) -> [UInt8] {
        let bytes = Array(id.utf8)
        guard !bytes.isEmpty, bytes.count <= MonitorLimit.identifier else {
            throw .limit(id: id, of: "bytes in the identifier")
        }
        return bytes
    }

    func encoded(_ encode: () throws(KernelError) -> EncodedPlan) throws(PodMonitorError) -> EncodedPlan {
        do throws(KernelError) { return try encode() } catch { throw .kernel(error) }
    }

    /// A plan too long for a message goes into a memory file, whose descriptor is the message's last.
    func inMemory(
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
