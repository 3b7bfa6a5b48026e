import CRI
import HTTP
import Streaming
import Synchronization
import Transport

extension RemoteRuntime {
    /// Opens a command's streams at what Exec and Attach have answered with. They live until they are closed.
    func session(at url: String, _ request: ExecRequest) async throws(CRIError) -> any ContainerStreams {
        let place = try SessionPlace(url)
        let dialer = SPDYDialer(threads: threads)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let result = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<RemoteSession, HTTPError>, Never>) in
            let once = Once(answer)
            Task {
                do throws(HTTPError) {
                    try await dialer.session(
                        host: place.host, port: place.port, target: place.target, protocol: CommandProtocol.streams
                    ) { client in
                        do throws(HTTPError) {
                            once.answer(.success(try await RemoteSession(request, client) { end.finish() }))
                        } catch {
                            return once.answer(.failure(error))
                        }
                        for await _ in ends {}
                    }
                } catch {
                    once.answer(.failure(error))
                }
            }
        }
        do throws(HTTPError) {
            return try result.get()
        } catch {
            throw .failed("session of the runtime at \(place.host):\(place.port): \(error)")
        }
    }

    /// Opens what Exec and its like have answered with: `http://HOST:PORT/PATH`.
    func webSocket(_ url: String) async throws(CRIError) -> any WebSocketConnection {
        let place = try SessionPlace(url)
        do {
            let client = try HTTPClient(.http(host: place.host, port: place.port), threads: threads)
            guard let target = RequestTarget(place.target) else { throw HTTPError.malformed("target \(place.target)") }
            return try await client.webSocket(
                HTTPRequest(.get, target.path, query: target.query),
                subprotocols: CommandProtocol.binary)
        } catch {
            throw .failed("session of the runtime at \(place.host):\(place.port): \(error)")
        }
    }
}

/// Where a session is served: `http://HOST:PORT/PATH`.
struct SessionPlace: Sendable, Hashable {
    let host: String
    let port: Int
    /// The path, with its query.
    let target: String

    init(_ url: String) throws(CRIError) {
        let rest = url.hasPrefix("http://") ? url.dropFirst("http://".count) : ""
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...]),
            !rest[slash...].isEmpty, rest[slash...].utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw .failed("the runtime answered with \"\(url)\", which is no address of a session") }
        host = authority[..<colon].filter { $0 != "[" && $0 != "]" }
        self.port = port
        target = String(rest[slash...])
    }
}

/// Answers whoever waits once; what comes later is dropped.
private final class Once: Sendable {
    private let waiting: Mutex<CheckedContinuation<Result<RemoteSession, HTTPError>, Never>?>

    init(_ waiting: CheckedContinuation<Result<RemoteSession, HTTPError>, Never>) {
        self.waiting = Mutex(waiting)
    }

    func answer(_ result: Result<RemoteSession, HTTPError>) {
        let waiting = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        waiting?.resume(returning: result)
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
