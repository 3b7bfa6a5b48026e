import CRI
import HTTP
import JSONTree
import Synchronization
import Transport

extension RemoteRuntime {
    func session(at url: String) async throws(CRIError) -> any ContainerStreams {
        RemoteSession(try await webSocket(url))
    }

    /// Opens what Exec and its like have answered with: `http://HOST:PORT/PATH`.
    func webSocket(_ url: String) async throws(CRIError) -> any WebSocketConnection {
        let rest = url.hasPrefix("http://") ? url.dropFirst("http://".count) : ""
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...]),
            let target = RequestTarget(String(rest[slash...]))
        else { throw .failed("the runtime answered with \"\(url)\", which is no address of a session") }
        let host = authority[..<colon].filter { $0 != "[" && $0 != "]" }
        do {
            let client = try HTTPClient(.http(host: String(host), port: port), threads: threads)
            return try await client.webSocket(
                HTTPRequest(.get, target.path, query: target.query),
                subprotocols: ["v5.channel.k8s.io", "v4.channel.k8s.io"])
        } catch {
            throw .failed("session of the runtime at \(authority): \(error)")
        }
    }
}

/// A command's streams over a WebSocket: the first byte of a message is its channel (0 in, 1 out, 2 err, 3 the closing status, 4 resize).
private final class RemoteSession: ContainerStreams {
    private let connection: any WebSocketConnection
    private let closing = Mutex<[UInt8]>([])

    init(_ connection: any WebSocketConnection) {
        self.connection = connection
    }

    func receive() async throws(CRIError) -> StreamChunk? {
        do {
            while let message = try await connection.receive() {
                guard case .binary(let bytes) = message, let channel = bytes.first, bytes.count > 1 else { continue }
                switch channel {
                case 1: return .standardOutput(Array(bytes.dropFirst()))
                case 2: return .standardError(Array(bytes.dropFirst()))
                case 3: closing.withLock { $0 = Array(bytes.dropFirst()) }
                default: continue
                }
            }
            return nil
        } catch {
            throw .failed("session of the runtime: \(error)")
        }
    }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        do {
            try await connection.send(.binary([0] + bytes))
        } catch {
            throw .failed("standard input: \(error)")
        }
    }

    /// Only the fifth version of the protocol knows an end of one stream; older servers pass over the message.
    func closeStandardInput() async {
        try? await connection.send(.binary([255, 0]))
    }

    func resize(_ size: TerminalSize) async {
        let text = "{\"Width\":\(size.columns),\"Height\":\(size.rows)}"
        try? await connection.send(.binary([4] + Array(text.utf8)))
    }

    func exitCode() async throws(CRIError) -> Int32 {
        let bytes = closing.withLock { $0 }
        // An attach ends without a status.
        guard !bytes.isEmpty else { return 0 }
        guard let status = try? JSONValue(parsing: bytes) else { throw .failed("the session ended without a status") }
        if status["status"]?.string == "Success" { return 0 }
        let causes = status["details"]?["causes"]?.array ?? []
        let code = causes.first { $0["reason"]?.string == "ExitCode" }?["message"]?.string
        guard let code = code.flatMap({ Int32($0) }) else {
            throw .failed(status["message"]?.string ?? "the session failed")
        }
        return code
    }

    func close() async {
        await connection.close(code: 1000)
    }
}

/// A forwarded port over a WebSocket: channel 0 carries bytes, channel 1 an error; each begins with the port in two bytes.
final class RemotePort: ContainerStreams {
    private let connection: any WebSocketConnection
    private let begun = Mutex<Set<UInt8>>([])

    init(_ connection: any WebSocketConnection) {
        self.connection = connection
    }

    func receive() async throws(CRIError) -> StreamChunk? {
        do {
            while let message = try await connection.receive() {
                guard case .binary(let bytes) = message, let channel = bytes.first else { continue }
                let isFirst = begun.withLock { $0.insert(channel).inserted }
                let content = Array(bytes.dropFirst(isFirst ? 3 : 1))
                if content.isEmpty { continue }
                if channel == 1 { throw CRIError.failed(String(decoding: content, as: UTF8.self)) }
                return .standardOutput(content)
            }
            return nil
        } catch {
            throw error as? CRIError ?? .failed("forwarded port: \(error)")
        }
    }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        do {
            try await connection.send(.binary([0] + bytes))
        } catch {
            throw .failed("forwarded port: \(error)")
        }
    }

    func closeStandardInput() async {}
    func resize(_ size: TerminalSize) async {}
    func exitCode() async throws(CRIError) -> Int32 { 0 }

    func close() async {
        await connection.close(code: 1000)
    }
}
