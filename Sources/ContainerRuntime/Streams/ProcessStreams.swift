import APIMachinery
import CRI
import Glibc
import Linux
import Synchronization

/// The streams of a process in a container: those of an exec session, or of the container's own process.
final class ProcessStreams: ContainerStreams {
    /// What the session can do besides reading and writing.
    struct Controls: Sendable {
        var resize: @Sendable (CRI.TerminalSize) async -> Void
        /// After the descriptor for standard input is closed.
        var endInput: @Sendable () async -> Void
        /// Once, when the session is closed before its end.
        var end: @Sendable () async -> Void
    }

    private let input: DescriptorStream?
    private let outputs: [DescriptorStream]
    private let hasTerminal: Bool
    private let channel: ChunkChannel
    private let exit: ExitLatch
    private let controls: Controls
    private let tasks: Mutex<[Task<Void, Never>]>

    init(
        input: DescriptorStream?, output: DescriptorStream?, error: DescriptorStream?, hasTerminal: Bool,
        exit: ExitLatch, time: any TimeSource, controls: Controls
    ) {
        self.input = input
        outputs = [output, error].compactMap { $0 }
        self.hasTerminal = hasTerminal
        self.exit = exit
        self.controls = controls
        let channel = ChunkChannel(writers: (output == nil ? 0 : 1) + (error == nil ? 0 : 1))
        self.channel = channel
        var pumps: [OutputPump] = []
        if let output { pumps.append(OutputPump(output, to: channel, as: StreamChunk.standardOutput)) }
        if let error { pumps.append(OutputPump(error, to: channel, as: StreamChunk.standardError)) }
        tasks = Mutex(
            pumps.flatMap { pump in
                [Task { await pump.run() }, Task { await pump.endAfter(exit, time: time) }]
            })
    }

    deinit {
        closeAll()
    }

    func receive() async throws(CRIError) -> StreamChunk? {
        if let chunk = await channel.receive() { return chunk }
        // Without output, or after it, the session lasts as long as its process.
        _ = await exit.wait()
        return nil
    }

    func writeStandardInput(_ bytes: [UInt8]) async throws(CRIError) {
        guard let input else { return }
        do throws(KernelError) {
            try await input.write(bytes)
        } catch  where error.code == EPIPE || error.code == EBADF || error.code == EIO {
            return
        } catch {
            throw .failed("standard input: \(error)")
        }
    }

    func closeStandardInput() async {
        guard let input else { return }
        // A terminal stays whole; who types at it ends input with ^D.
        if hasTerminal { return }
        input.close()
        await controls.endInput()
    }

    func resize(_ size: CRI.TerminalSize) async {
        await controls.resize(size)
    }

    func exitCode() async throws(CRIError) -> Int32 {
        guard let code = await exit.wait() else { throw .failed("the wait for the exit code was cancelled") }
        return code
    }

    func close() async {
        if exit.exitCode == nil { await controls.end() }
        closeAll()
    }

    private func closeAll() {
        channel.close()
        input?.close()
        for output in outputs { output.close() }
        for task in tasks.withLock({ $0 }) { task.cancel() }
    }
}
