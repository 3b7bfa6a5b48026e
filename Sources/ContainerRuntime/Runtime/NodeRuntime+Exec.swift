import CRI
import Glibc
import Linux
import Logging

extension NodeRuntime: RuntimeService {
    package var resolvesSubPaths: Bool { true }

    package func execSync(
        container: String, command: [String], timeout: Duration, outputLimit: Int
    ) async throws(CRIError) -> ExecResult {
        let streams = try await exec(ExecRequest(container: container, command: command))
        let time = dependencies.time
        let outcome = await withTaskGroup(of: ExecResult?.self) { group in
            group.addTask { await Self.collect(streams, limit: outputLimit) }
            if timeout > .zero {
                group.addTask {
                    try? await time.sleep(for: timeout)
                    return nil
                }
            }
            let first = await group.next() ?? nil
            if first == nil { await streams.close() }
            group.cancelAll()
            return first
        }
        await streams.close()
        guard let outcome else {
            throw .timedOut("command \"\(command.joined(separator: " "))\" timed out after \(timeout)")
        }
        return outcome
    }

    /// Nil where the session failed.
    private static func collect(_ streams: any ContainerStreams, limit: Int) async -> ExecResult? {
        var result = ExecResult(standardOutput: [], standardError: [], exitCode: 0)
        do throws(CRIError) {
            while let chunk = try await streams.receive() {
                switch chunk {
                case .standardOutput(let bytes):
                    result.standardOutput += bytes.prefix(max(0, limit - result.standardOutput.count))
                case .standardError(let bytes):
                    result.standardError += bytes.prefix(max(0, limit - result.standardError.count))
                }
            }
            result.exitCode = try await streams.exitCode()
            return result
        } catch {
            return nil
        }
    }

    package func exec(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        let (container, sandbox) = try lookUp(container: request.container)
        let record = container.record
        guard record.phase == .running else {
            throw .failed("container \(record.metadata.name) does not run: it is \(record.phase.rawValue)")
        }
        guard let program = request.command.first, !program.isEmpty else { throw .invalid("exec: there is no command") }
        let monitor = try monitor(of: sandbox)
        let process = try await threads.perform("prepare exec") { [self] () throws(CRIError) in
            let template =
                request.difference == ExecDifference()
                ? record.exec : try template(of: record, in: sandbox.record, with: request.difference)
            if template.appArmor == paths.profile.name { keepOwnProfile() }
            let seccomp = try seccomp(of: template, in: record)
            var process = template.process(
                request.command, seccomp: seccomp, terminal: request.terminal ? Linux.TerminalSize() : nil)
            process.streamOwner = sandbox.record.users?.host(template.userID)
            return process
        }
        let id = String(sandbox.record.id.prefix(12)) + "-" + String(try Identifier.random().prefix(20))
        let exit = ExitLatch()
        state.withLock { $0.sessions[id] = exit }
        reach(.execPrepared)
        do throws(PodMonitorError) {
            let session = try await monitor.exec(
                ExecLaunch(
                    id: id, containerID: record.id, process: process, stdin: request.standardInput,
                    stdout: request.standardOutput, stderr: request.standardError && !request.terminal))
            reach(.execStarted)
            return streams(of: session, exit, monitor)
        } catch {
            state.withLock { _ = $0.sessions.removeValue(forKey: id) }
            throw error.isOfHost ? .failed(Self.launchMessage(error)) : Self.startFailure(error.naming(program))
        }
    }

    /// That of its container. A profile's file is read when the container is made, and no more. Blocks.
    private func seccomp(
        of template: ExecTemplate, in container: ContainerRecord
    ) throws(CRIError) -> SeccompProgram? {
        if case .localhost = template.seccomp {
            let kept = try attempt("container \(container.metadata.name)") { () throws(KernelError) in
                try files.seccomp(of: container)
            }
            if let kept { return kept }
        }
        return try dependencies.seccomp.program(for: template.seccomp, capabilities: template.capabilities)
    }

    private func streams(
        of session: RunningExec, _ exit: ExitLatch, _ monitor: any PodMonitoring
    ) -> ProcessStreams {
        let controls = ProcessStreams.Controls(
            resize: { size in
                try? session.terminal?.resize(to: Linux.TerminalSize(columns: size.columns, rows: size.rows))
            },
            endInput: {},
            end: { try? await monitor.killExec(session.id) })
        return ProcessStreams(
            input: session.stdin, output: session.stdout, error: session.stderr,
            hasTerminal: session.terminal != nil, exit: exit, time: dependencies.time, controls: controls)
    }

    /// Also before it starts: then nothing of what it says is missed.
    package func attach(_ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        let (container, sandbox) = try lookUp(container: request.container)
        let record = container.record
        guard record.phase == .running || record.phase == .created else {
            throw .failed("container \(record.metadata.name) does not run: it is \(record.phase.rawValue)")
        }
        let monitor = try monitor(of: sandbox)
        let session: AttachSession
        do throws(PodMonitorError) {
            session = try await monitor.attach(record.id)
        } catch {
            throw .failed("container \(record.metadata.name): \(error)")
        }
        let controls = ProcessStreams.Controls(
            resize: { size in
                try? await monitor.resize(record.id, to: Linux.TerminalSize(columns: size.columns, rows: size.rows))
            },
            endInput: { if record.hasInputOnce { try? await monitor.closeInput(record.id) } },
            end: {})
        return ProcessStreams(
            input: request.standardInput ? session.stdin : nil, output: session.stdout, error: session.stderr,
            hasTerminal: record.hasTerminal, exit: container.exit, time: dependencies.time, controls: controls)
    }

    package func portForward(sandbox id: String, port: UInt16) async throws(CRIError) -> any ContainerStreams {
        let entry = try state.withLock { state throws(CRIError) in try state.sandbox(id) }
        let monitor = try monitor(of: entry)
        let events = dependencies.events
        let isHost = entry.record.network == .node
        return try await threads.perform("forward port") { () throws(CRIError) in
            if isHost { return try PortForward.connect(port: port, namespace: nil, events: events) }
            let namespace: Int32
            do throws(PodMonitorError) {
                namespace = try monitor.networkNamespace().release()
            } catch {
                throw .failed("pod \(entry.record.podName): \(error)")
            }
            defer { Glibc.close(namespace) }
            return try PortForward.connect(port: port, namespace: namespace, events: events)
        }
    }
}
