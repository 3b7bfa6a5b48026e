import APIMachinery
import CRI
import HTTP
import JSONTree

/// A client of exec or attach over streams of their own (`CommandProtocol.streams` over SPDY): `error`, which carries the closing Status, `stdin`, `stdout`,
/// `stderr` and `resize`.
struct StreamCommandClient: CommandClient {
    /// How long a client has to open the streams it asked for.
    private static let openingTime = Duration.seconds(30)

    private let connection: any MultiplexedConnection
    private let streams: [String: any MultiplexedStream]

    /// The streams that a request calls for.
    static func expected(_ request: ExecRequest) -> Set<String> {
        var names: Set = ["error"]
        if request.standardInput { names.insert("stdin") }
        if request.standardOutput { names.insert("stdout") }
        if request.standardError { names.insert("stderr") }
        if request.terminal { names.insert("resize") }
        return names
    }

    /// Waits for the client's streams; nil where they do not come in time, or one comes that was not asked for.
    static func accept(
        _ request: ExecRequest, _ connection: any MultiplexedConnection, time: any TimeSource
    ) async -> StreamCommandClient? {
        await withTaskGroup(of: StreamCommandClient?.self) { group in
            group.addTask { await accept(expected(request), connection) }
            group.addTask {
                try? await time.sleep(for: openingTime)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private static func accept(
        _ expected: Set<String>, _ connection: any MultiplexedConnection
    ) async -> StreamCommandClient? {
        var streams: [String: any MultiplexedStream] = [:]
        while streams.count < expected.count {
            guard let stream = await connection.accept(), let name = stream.headers["streamType"],
                expected.contains(name), streams[name] == nil
            else { return nil }
            streams[name] = stream
        }
        return StreamCommandClient(connection: connection, streams: streams)
    }

    func prepare() async {}

    func send(_ chunk: StreamChunk) async throws {
        switch chunk {
        case .standardOutput(let bytes): try await streams["stdout"]?.send(bytes)
        case .standardError(let bytes): try await streams["stderr"]?.send(bytes)
        }
    }

    func finish(_ status: Status) async {
        try? await streams["error"]?.send(status.json.encoded())
        for name in ["stdout", "stderr", "error"] { await streams[name]?.finish() }
    }

    func forwardInput(to session: any ContainerStreams) async {
        await withTaskGroup(of: Void.self) { group in
            if let input = streams["stdin"] { group.addTask { await Self.forward(input, to: session) } }
            if let sizes = streams["resize"] { group.addTask { await Self.resize(sizes, session) } }
            while let unasked = await connection.accept() { await unasked.reset() }
            group.cancelAll()
        }
    }

    private static func forward(_ input: any MultiplexedStream, to session: any ContainerStreams) async {
        do {
            while let bytes = try await input.receive() { try await session.writeStandardInput(bytes) }
            if !Task.isCancelled { await session.closeStandardInput() }
        } catch {
            // The client has broken off its input, or the process takes no more: its output goes on.
            await input.reset()
        }
    }

    private static func resize(_ stream: any MultiplexedStream, _ session: any ContainerStreams) async {
        var lines = TerminalSizeLines()
        while let bytes = try? await stream.receive() {
            for size in lines.take(bytes) { await session.resize(size) }
        }
    }
}

/// Terminal sizes as they come on a stream: JSON objects, each on a line. A line over 1 KiB is dropped.
struct TerminalSizeLines {
    private static let lineBytes = 1 << 10

    private var rest: [UInt8] = []

    mutating func take(_ bytes: [UInt8]) -> [TerminalSize] {
        rest += bytes
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = Array(lines.popLast() ?? [])
        if rest.count > Self.lineBytes { rest = [] }
        return lines.compactMap { $0.count > Self.lineBytes ? nil : TerminalSize(json: $0) }
    }
}
