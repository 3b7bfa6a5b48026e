import Glibc
import Synchronization

/// A pipe, socket or terminal read and written by tasks without blocking a thread.
///
/// One reader or writer at a time; a second concurrent wait throws EBUSY. Cancelling the task ends its wait with
/// ECANCELED.
package final class DescriptorStream: Sendable {
    private struct Waiting {
        var token: EventThread.Token?
        var continuation: CheckedContinuation<Int32, Never>?
        /// The wait under way; each has a number of its own, so that a cancellation that comes late ends no later wait.
        var wait: UInt64 = 0
        /// The wait that was cancelled before it had begun.
        var cancelled: UInt64 = 0
    }

    private let descriptor: SharedDescriptor
    private let events: EventThread
    private let waiting = Mutex(Waiting())
    private let lastWait = Atomic<UInt64>(0)

    /// Takes over the descriptor and sets it non-blocking.
    package init(_ descriptor: consuming Descriptor, events: EventThread) {
        let raw = descriptor.raw
        _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
        self.descriptor = SharedDescriptor(descriptor)
        self.events = events
    }

    /// Closes now; a waiting task gets EBADF.
    package func close() {
        // The descriptor first: a task that is about to wait then finds it closed, or is found waiting here.
        descriptor.close()
        finishWaiting(EBADF, nil)
    }

    /// Tells a socket's other side that no more will come.
    package func finishWriting() {
        try? descriptor.withRaw { raw throws(KernelError) in _ = shutdown(raw, Int32(SHUT_WR)) }
    }

    /// The next bytes, at most `count`; empty at the end of the stream. A terminal's hang-up is its end.
    package func read(upTo count: Int = 32 << 10) async throws(KernelError) -> [UInt8] {
        while true {
            var code: Int32 = 0
            let bytes = try descriptor.withRaw { raw throws(KernelError) in
                [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                    let length = Glibc.read(raw, buffer.baseAddress, count)
                    if length < 0 { code = errno }
                    filled = max(0, length)
                }
            }
            switch code {
            case 0: return bytes
            case EIO: return []
            case EINTR: continue
            case EAGAIN: try await wait(for: .read)
            default: throw KernelError("read", "stream", code)
            }
        }
    }

    /// Writes all of `bytes`. A reader that went away is EPIPE (the process ignores SIGPIPE).
    package func write(_ bytes: some Collection<UInt8> & Sendable) async throws(KernelError) {
        let bytes = Array(bytes)
        var offset = 0
        while offset < bytes.count {
            let start = offset
            let (length, code) = try descriptor.withRaw { raw throws(KernelError) in
                bytes.withUnsafeBytes { buffer -> (Int, Int32) in
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
                    let length = Glibc.write(raw, rest.baseAddress, rest.count)
                    return (length, length < 0 ? errno : 0)
                }
            }
            switch code {
            case 0: offset += length
            case EINTR: continue
            case EAGAIN: try await wait(for: .write)
            default: throw KernelError("write", "stream", code)
            }
        }
    }

    private func wait(for interest: EventThread.Interest) async throws(KernelError) {
        let number = lastWait.add(1, ordering: .relaxed).newValue
        let code = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in begin(interest, number, continuation) }
        } onCancel: {
            finishWaiting(ECANCELED, number)
        }
        guard code == 0 else { throw KernelError("wait", "stream", code) }
    }

    private func begin(
        _ interest: EventThread.Interest, _ number: UInt64, _ continuation: CheckedContinuation<Int32, Never>
    ) {
        let code = waiting.withLock { waiting -> Int32 in
            guard waiting.continuation == nil else { return EBUSY }
            guard waiting.cancelled != number else { return ECANCELED }
            do throws(KernelError) {
                waiting.token = try descriptor.withRaw { raw throws(KernelError) in
                    try events.watch(raw, for: interest, once: true) { [weak self] in self?.ready() }
                }
                waiting.continuation = continuation
                waiting.wait = number
                return 0
            } catch {
                return error.code
            }
        }
        if code != 0 { continuation.resume(returning: code) }
    }

    private func ready() {
        takeWaiting(nil).0?.resume(returning: 0)
    }

    /// - Parameter number: the wait that is meant; nil: whichever is under way.
    private func finishWaiting(_ code: Int32, _ number: UInt64?) {
        let (continuation, token) = takeWaiting(number)
        if let token { events.remove(token) }
        continuation?.resume(returning: code)
    }

    private func takeWaiting(_ number: UInt64?) -> (CheckedContinuation<Int32, Never>?, EventThread.Token?) {
        waiting.withLock { waiting in
            if let number {
                waiting.cancelled = number
                guard waiting.wait == number else { return (nil, nil) }
            }
            let taken = (waiting.continuation, waiting.token)
            waiting.continuation = nil
            waiting.token = nil
            return taken
        }
    }
}
