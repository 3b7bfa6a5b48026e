import CRI
import HTTP
import JSONTree
import Streaming
import Transport

/// A command's streams at another runtime, over SPDY, which alone can say that standard input has ended to servers of before 2024: `error` carries the closing Status, then
/// there are `stdin`, `stdout`, `stderr` and `resize`.
final class RemoteSession: ContainerStreams {
    private let streams: [String: any MultiplexedStream]
    private let output: ChunkChannel
    private let status: Task<[UInt8], Never>
    private let isAttach: Bool
    private let pumps: [Task<Void, Never>]
    /// Ends the connection.
    private let end: @Sendable () -> Void

    /// Opens the streams in the order that servers expect.
    init(_ request: ExecRequest, _ client: any MultiplexedClient, end: @escaping @Sendable () -> Void)
        async throws(HTTPError)
    {
        self.end = end
        isAttach = request.isAttach
        var names = ["error"]
        if request.standardInput { names.append("stdin") }
        if request.standardOutput { names.append("stdout") }
        if request.standardError && !request.terminal { names.append("stderr") }
        if request.terminal { names.append("resize") }
        var streams: [String: any MultiplexedStream] = [:]
        for name in names { streams[name] = try await client.open(["streamtype": name]) }
        self.streams = streams
        let error = streams["error"]
        status = Task {
            // A Status is whole or no JSON: servers may break the stream off behind it.
            var bytes: [UInt8] = []
            while let more = try? await error?.receive(), bytes.count < 64 << 10 { bytes += more }
            return bytes
        }
        let sources = ["stdout", "stderr"].compactMap { name in streams[name].map { (name == "stderr", $0) } }
        let output = ChunkChannel(writers: sources.count)
        self.output = output
        pumps = sources.map { isError, stream in
            Task {
                while let bytes = try? await stream.receive(),
                    await output.send(isError ? .standardError(bytes) : .standardOutput(bytes))
                {}
                output.finish()
            }
        }
    }

    func receive() async throws(CRIError) -> StreamChunk? { await output.receive() }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        do throws(HTTPError) {
            try await streams["stdin"]?.send(bytes)
        } catch {
            throw .failed("standard input: \(error)")
        }
    }

    func closeStandardInput() async { await streams["stdin"]?.finish() }

    func resize(_ size: TerminalSize) async {
        let text = "{\"Width\":\(size.columns),\"Height\":\(size.rows)}\n"
        try? await streams["resize"]?.send(Array(text.utf8))
    }

    func exitCode() async throws(CRIError) -> Int32 {
        let bytes = await status.value
        guard !bytes.isEmpty else {
            // Of an attach, servers that have nothing to complain of may say nothing.
            if isAttach { return 0 }
            throw .failed("the runtime broke the session off before it told the command's exit code")
        }
        switch CommandEnd(bytes) {
        case .ended(let code), .notStarted(_, let code): return code
        case .failed(let message): throw .failed(message)
        }
    }

    func close() async {
        output.close()
        for pump in pumps { pump.cancel() }
        status.cancel()
        end()
    }
}
