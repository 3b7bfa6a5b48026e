import APIMachinery
import CRI
import HTTP
import JSONTree

/// An exec or attach over a WebSocket, as kubectl speaks it: each binary message starts with its channel
/// (0 stdin, 1 stdout, 2 stderr, 3 the closing Status, 4 resize, 255 close of the channel named next, since v5).
struct RemoteCommand: Sendable {
    let connection: any WebSocketConnection
    let streams: any ContainerStreams
    let subprotocol: String
    let time: any TimeSource

    /// kubectl up to 1.32 reads before it has made its streams and drops what comes earlier ("Unknown stream id").
    private static let clientPreparation = Duration.milliseconds(20)

    /// The newest protocol that both know.
    static func negotiate(_ request: HTTPRequest) throws(Status) -> String {
        let offered = request.headers.values("Sec-WebSocket-Protocol")
            .flatMap { $0.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
        guard let chosen = ["v5.channel.k8s.io", "v4.channel.k8s.io"].first(where: offered.contains) else {
            throw .badRequest(
                "exec and attach need a WebSocket with v5.channel.k8s.io or v4.channel.k8s.io; "
                    + "the client offered: \(offered.joined(separator: ", "))")
        }
        return chosen
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await forwardInput() }
            await forwardOutput()
            group.cancelAll()
            await streams.close()
        }
    }

    /// Returns when the process has ended, after its Status was sent.
    private func forwardOutput() async {
        try? await time.sleep(for: Self.clientPreparation)
        do {
            while let chunk = try await streams.receive() {
                switch chunk {
                case .standardOutput(let bytes): try await connection.send(.binary([1] + bytes))
                case .standardError(let bytes): try await connection.send(.binary([2] + bytes))
                }
            }
            let status = Self.status(exitCode: try await streams.exitCode())
            try await connection.send(.binary([3] + status.json.encoded()))
        } catch let error as CRIError {
            let status = Status.internalError(error.description)
            try? await connection.send(.binary([3] + status.json.encoded()))
        } catch {
            // The client has gone; the process is ended by `close`.
        }
        await connection.close(code: 1000)
    }

    /// Returns when the client closes or the task is cancelled.
    private func forwardInput() async {
        while let message = try? await connection.receive() {
            guard case .binary(let bytes) = message, let channel = bytes.first else { continue }
            switch channel {
            case 0:
                guard (try? await streams.writeStandardInput(Array(bytes.dropFirst()))) != nil else { continue }
            case 4:
                if let size = Self.size(bytes.dropFirst()) { await streams.resize(size) }
            case 255:
                if bytes.count > 1, bytes[1] == 0 { await streams.closeStandardInput() }
            default:
                break
            }
        }
        guard !Task.isCancelled else { return }
        // The client went away: the session ends with it.
        await streams.close()
    }

    private static func size(_ bytes: ArraySlice<UInt8>) -> TerminalSize? {
        guard let value = try? JSONValue(parsing: Array(bytes)),
            let width = value["Width"]?.integer, let height = value["Height"]?.integer
        else { return nil }
        return TerminalSize(columns: UInt16(clamping: width), rows: UInt16(clamping: height))
    }

    /// The closing Status that clients take the exit code from.
    static func status(exitCode: Int32) -> Status {
        guard exitCode != 0 else { return .success() }
        return Status {
            $0.apiVersion = "v1"
            $0.kind = "Status"
            $0.status = "Failure"
            $0.reason = "NonZeroExitCode"
            $0.message = "command terminated with non-zero exit code: exit status \(exitCode)"
            $0.details = StatusDetails {
                $0.causes = [
                    StatusCause {
                        $0.reason = "ExitCode"
                        $0.message = String(exitCode)
                    }
                ]
            }
        }
    }
}
