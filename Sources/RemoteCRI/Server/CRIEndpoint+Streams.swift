import CRI
import HTTP
import Protobuf

/// Events, and the sessions that are told by a URL and served elsewhere.
extension CRIEndpoint {
    static let streamCalls: [String: Call] = [
        "Exec": query(exec),
        "Attach": query(attach),
        "PortForward": query(portForward),
        "GetContainerEvents": { endpoint, _ in .stream(endpoint.events()) },
    ]

    // MARK: Sessions

    @Sendable private static func exec(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.ExecRequest>
    ) async throws(CRIError) -> Message<Wire.URLResponse> {
        let request = ExecRequest(
            container: try await endpoint.container(question.containerID), command: question.cmd,
            terminal: question.tty, standardInput: question.stdin, standardOutput: question.stdout,
            standardError: question.stderr)
        guard !request.isAttach else { throw .invalid("exec: there is no command") }
        try check(request)
        try await endpoint.checkRuns(request.container)
        return try endpoint.url("exec", .exec(request))
    }

    @Sendable private static func attach(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.AttachRequest>
    ) async throws(CRIError) -> Message<Wire.URLResponse> {
        let request = ExecRequest(
            container: try await endpoint.container(question.containerID), terminal: question.tty,
            standardInput: question.stdin, standardOutput: question.stdout, standardError: question.stderr)
        try check(request)
        try await endpoint.checkRuns(request.container)
        return try endpoint.url("attach", .attach(request))
    }

    @Sendable private static func portForward(
        _ endpoint: CRIEndpoint, _ question: Message<Wire.PortForwardRequest>
    ) async throws(CRIError) -> Message<Wire.URLResponse> {
        let sandbox = try await endpoint.runtime.podSandboxStatus(endpoint.sandbox(question.podSandboxID))
        guard sandbox.state == .ready else { throw .failed("sandbox \(sandbox.id) is not ready") }
        var ports: [UInt16] = []
        for number in question.port {
            guard let port = UInt16(exactly: number), port > 0 else {
                throw .invalid("\(number) is no port: write a number from 1 to 65535")
            }
            ports.append(port)
        }
        return try endpoint.url("portforward", .portForward(sandbox, ports: ports))
    }

    private static func check(_ request: ExecRequest) throws(CRIError) {
        guard request.standardInput || request.standardOutput || request.standardError else {
            throw .invalid("one of stdin, stdout and stderr must be set")
        }
        guard !request.terminal || !request.standardError else {
            throw .invalid("a terminal has no stderr of its own: tty and stderr exclude each other")
        }
    }

    private func checkRuns(_ container: String) async throws(CRIError) {
        let status = try await runtime.containerStatus(container)
        guard status.state == .running else {
            throw .failed("container \(status.metadata.name) does not run: it is \(status.state.rawValue)")
        }
    }

    private func url(_ kind: String, _ session: StreamingSession) throws(CRIError) -> Message<Wire.URLResponse> {
        let token = try sessions.add(session)
        return Message { $0.url = "\(streamingAddress)/\(kind)/\(token)" }
    }

    // MARK: Events

    /// Changes from now on, until the caller goes. One who falls behind is cut off, and lists anew.
    private func events() -> ByteStream {
        let reader = SequenceReader(runtime.containerEvents())
        return ByteStream(next: {
            guard let event = await reader.next() else {
                if Task.isCancelled { return nil }
                throw GRPCStatus(.unavailable, "events came faster than they were read: list, and ask again")
            }
            return await message(event).encoded
        }).endless
    }

    private func message(_ event: ContainerEvent) async -> Message<Wire.ContainerEventResponse> {
        // Of what is gone there is no more than its name.
        let sandbox = try? await runtime.podSandboxStatus(event.sandbox)
        let containers = try? await runtime.listContainers(ContainerFilter(sandbox: event.sandbox))
        return Message {
            $0.containerID = event.container
            $0.createdAt = event.time
            $0.podSandboxStatus = sandbox?.wire
            $0.containersStatuses = (containers ?? []).map(\.wire)
            $0.containerEventType =
                switch event.kind {
                case .created: .created
                case .started: .started
                case .stopped: .stopped
                case .deleted: .deleted
                }
        }
    }
}
