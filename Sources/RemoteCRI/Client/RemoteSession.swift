import CRI
import HTTP
import JSONTree
import Synchronization
import Transport

/// A command's streams at another runtime, over SPDY, which alone can say that standard input has ended to servers of before 2024: `error` carries the closing Status, then
/// there are `stdin`, `stdout`, `stderr` and `resize`.
final class RemoteSession: ContainerStreams {
    static let protocolName = "v4.channel.k8s.io"

    private let streams: [String: any MultiplexedStream]
    private let output = OutputMixer()
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
        isAttach = request.command.isEmpty
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
        let output = output
        let sources = ["stdout", "stderr"].compactMap { name in streams[name].map { (name == "stderr", $0) } }
        output.expect(sources.count)
        pumps = sources.map { isError, stream in
            Task {
                while let bytes = try? await stream.receive() {
                    await output.put(isError ? .standardError(bytes) : .standardOutput(bytes))
                }
                output.finish()
            }
        }
    }

    func receive() async throws(CRIError) -> StreamChunk? { await output.next() }

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
        guard let status = try? JSONValue(parsing: bytes) else { throw .failed(String(decoding: bytes, as: UTF8.self)) }
        if status["status"]?.string == "Success" { return 0 }
        let causes = status["details"]?["causes"]?.array ?? []
        let code = causes.first { $0["reason"]?.string == "ExitCode" }?["message"]?.string
        guard let code = code.flatMap({ Int32($0) }) else {
            throw .failed(status["message"]?.string ?? "the session failed")
        }
        return code
    }

    func close() async {
        output.close()
        for pump in pumps { pump.cancel() }
        status.cancel()
        end()
    }
}

/// Chunks of several sources on their way to one reader. A source waits until its chunk is taken.
private final class OutputMixer: Sendable {
    private struct State {
        var waiting: [(chunk: StreamChunk, source: CheckedContinuation<Void, Never>)] = []
        var reader: CheckedContinuation<StreamChunk?, Never>?
        var sources = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    func expect(_ sources: Int) {
        state.withLock { $0.sources = sources }
    }

    func put(_ chunk: StreamChunk) async {
        await withCheckedContinuation { source in
            let (goesOn, reader) = state.withLock { state -> (Bool, CheckedContinuation<StreamChunk?, Never>?) in
                if state.isClosed { return (true, nil) }
                if let reader = state.reader {
                    state.reader = nil
                    return (true, reader)
                }
                state.waiting.append((chunk, source))
                return (false, nil)
            }
            reader?.resume(returning: chunk)
            if goesOn { source.resume() }
        }
    }

    /// nil once all sources have finished. Called by one task.
    func next() async -> StreamChunk? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let answer = state.withLock {
                    state -> (chunk: StreamChunk?, source: CheckedContinuation<Void, Never>?)? in
                    if !state.waiting.isEmpty {
                        let first = state.waiting.removeFirst()
                        return (first.chunk, first.source)
                    }
                    if state.sources == 0 || state.isClosed || Task.isCancelled { return (nil, nil) }
                    state.reader = reader
                    return nil
                }
                guard let answer else { return }
                answer.source?.resume()
                reader.resume(returning: answer.chunk)
            }
        } onCancel: {
            takeReader()?.resume(returning: nil)
        }
    }

    func finish() {
        let reader = state.withLock { state -> CheckedContinuation<StreamChunk?, Never>? in
            state.sources -= 1
            guard state.sources == 0, state.waiting.isEmpty else { return nil }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for entry in waiting { entry.source.resume() }
        takeReader()?.resume(returning: nil)
    }

    private func takeReader() -> CheckedContinuation<StreamChunk?, Never>? {
        state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
    }
}
