import CRI
import Glibc
import HTTP

/// One container, joined to this process's standard streams, terminal and signals when it has started. Ends with the container; where that is detached, when it has started.
package struct RunSession: Sendable {
    package let spec: RunSpec
    private let signals: PassedSignals

    /// - Parameter signals: listening; they are the container's while the session lasts.
    package init(_ spec: RunSpec, signals: PassedSignals) {
        self.spec = spec
        self.signals = signals
    }

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

    /// - Parameter started: called with the container's id when it has started.
    /// - Returns: the container's exit code; 125 where it could not be made, 126 and 127 as a shell gives them.
    package func run(
        _ client: NodeClient, started: @escaping (String) throws(DaemonError) -> Void
    ) async throws(DaemonError) -> Int32 {
        let connection = try await client.webSocket("/v1/run", [], subprotocol: ExecMessage.subprotocol)
        var spec = spec
        spec.terminalSize =
            spec.hasTerminal
            ? RawTerminal.size(of: STDOUT_FILENO).map { TerminalSize(columns: $0.columns, rows: $0.rows) } : nil
        do {
            try await connection.send(.binary(spec.message.encoded()))
        } catch {
            throw DaemonError("the daemon went away: \(error)")
        }
        return try await JoinedStreams(
            connection, object: "container \(spec.name)", hasInput: spec.hasInput && !spec.isDetached,
            hasTerminal: spec.hasTerminal && !spec.isDetached
        ).run { container throws(DaemonError) in
            signals.pass(to: connection)
            try started(container)
        }
    }
}
