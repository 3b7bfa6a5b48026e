import Linux
import PodMonitor

extension PodMonitorClient {
    package func exec(_ session: ExecLaunch) async throws(PodMonitorError) -> RunningExec {
        let id = try checked(session.id)
        let container = try checked(session.containerID)
        let plan = try encoded { () throws(KernelError) in try session.process.encoded() }
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
        var running = RunningExec(id: session.id, processID: reply.report.processID)
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
