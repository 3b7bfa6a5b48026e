import APIMachinery
import CRI
import Linux
import Synchronization

/// Carries one output stream of a process into a channel.
///
/// A process can end and leave a child that holds its output open. So once the process has ended and nothing has come for a second, the pump ends too;
/// what the reader has not yet taken is not lost.
final class OutputPump: Sendable {
    private struct Progress {
        var chunks = 0
        var isSending = false
    }

    private let stream: DescriptorStream
    private let channel: ChunkChannel
    private let wrap: @Sendable ([UInt8]) -> StreamChunk
    private let progress = Mutex(Progress())

    init(_ stream: DescriptorStream, to channel: ChunkChannel, as wrap: @escaping @Sendable ([UInt8]) -> StreamChunk) {
        self.stream = stream
        self.channel = channel
        self.wrap = wrap
    }

    /// Returns at the end of the stream.
    func run() async {
        defer { channel.finish() }
        while true {
            guard let bytes = try? await stream.read(), !bytes.isEmpty else { return }
            progress.withLock { progress in
                progress.chunks += 1
                progress.isSending = true
            }
            guard await channel.send(wrap(bytes)) else { return }
            progress.withLock { $0.isSending = false }
        }
    }

    /// Ends the pump a quiet second after the process's end.
    func endAfter(_ exit: ExitLatch, time: any TimeSource) async {
        guard await exit.wait() != nil else { return }
        var seen = -1
        while true {
            let now = progress.withLock { ($0.chunks, $0.isSending) }
            if now.0 == seen && !now.1 { break }
            seen = now.0
            do { try await time.sleep(for: .seconds(1)) } catch { return }
        }
        stream.close()
    }
}
