import CRI
import Glibc
import HTTP
import Linux

/// One container, joined to this process's standard streams, terminal and signals. Ends with the container; where that is detached, when it has started.
package struct RunSession: Sendable {
    package let spec: RunSpec
    private let threads = BlockingThreads(count: 1)

    package init(_ spec: RunSpec) {
        self.spec = spec
    }

    /// What is passed on to the container.
    package static let signals = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]

    /// What the command ends with where the container could not be made.
    package static let notMade: Int32 = 125

    /// The exit code that `body` gives; where it fails, also before there is a session (no image, no daemon), the reason is said and it is `notMade`.
    package static func code(
        of body: () async throws -> Int32, failed: (DaemonError) -> Void
    ) async throws -> Int32 {
        do {
            return try await body()
        } catch let error as DaemonError {
            failed(error)
            return notMade
        }
    }

    /// - Returns: the container's exit code; 125 where it could not be made, 126 and 127 as a shell gives them.
    package func run(_ client: NodeClient) async throws(DaemonError) -> Int32 {
        let connection = try await client.webSocket("/v1/run", [], subprotocol: ExecMessage.subprotocol)
        var spec = spec
        spec.terminalSize =
            spec.hasTerminal
            ? RawTerminal.size(of: STDOUT_FILENO).map { TerminalSize(columns: $0.columns, rows: $0.rows) } : nil
        do {
            try await connection.send(.binary(spec.json.encoded()))
        } catch {
            throw DaemonError("the daemon went away: \(error)")
        }
        let signals = Task { await forwardSignals(connection) }
        defer { signals.cancel() }
        return try await JoinedStreams(
            connection, object: "container \(spec.name)", hasInput: spec.hasInput && !spec.isDetached,
            hasTerminal: spec.hasTerminal && !spec.isDetached
        ).run()
    }

    /// The signals must be blocked in every thread, which `TerminationSignals.prepare` sees to.
    private func forwardSignals(_ connection: any WebSocketConnection) async {
        while !Task.isCancelled {
            let number = try? await threads.run("wait for a signal") { () throws(KernelError) in
                var wanted = sigset_t()
                sigemptyset(&wanted)
                for signal in Self.signals { sigaddset(&wanted, signal) }
                var number: Int32 = 0
                guard sigwait(&wanted, &number) == 0 else { throw KernelError("wait for", "a signal") }
                return number
            }
            guard let number, (try? await connection.send(.binary(ExecMessage.signal(number)))) != nil else { return }
        }
    }
}
