import Synchronization

/// The frames that wait for one watcher. Bounded: a watcher that falls `maxFrames` or `maxBytes` behind is cut, its stream ends,
/// and the client resumes or lists anew.
final class WatchQueue: Sendable {
    private struct State {
        var frames: [[UInt8]] = []
        var next = 0
        var bytes = 0
        var isEnded = false
        var waiter: CheckedContinuation<[UInt8]?, Never>?

        mutating func popFirst() -> [UInt8]? {
            guard next < frames.count else { return nil }
            let frame = frames[next]
            frames[next] = []
            next += 1
            bytes -= frame.count
            if next == frames.count {
                frames.removeAll(keepingCapacity: next <= 64)
                next = 0
            }
            return frame
        }
    }

    private let state = Mutex(State())
    private let maxFrames: Int
    private let maxBytes: Int

    init(maxFrames: Int = 1024, maxBytes: Int = 16 << 20) {
        self.maxFrames = maxFrames
        self.maxBytes = maxBytes
    }

    var isEnded: Bool { state.withLock { $0.isEnded } }

    /// Returns false where the watcher is gone or was cut just now. Never waits.
    @discardableResult
    func push(_ frame: [UInt8]) -> Bool {
        let (waiter, isAlive): (CheckedContinuation<[UInt8]?, Never>?, Bool) = state.withLock { state in
            guard !state.isEnded else { return (nil, false) }
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, true)
            }
            guard state.frames.count - state.next < maxFrames, state.bytes + frame.count <= maxBytes else {
                state.isEnded = true
                state.frames = []
                state.next = 0
                return (nil, false)
            }
            state.frames.append(frame)
            state.bytes += frame.count
            return (nil, true)
        }
        waiter?.resume(returning: frame)
        return isAlive
    }

    /// No more frames come; those that wait are still delivered.
    func finish() {
        let waiter = state.withLock { state in
            state.isEnded = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    /// The next frame, nil at the end or when the reading task is cancelled. Read by one task.
    func next() async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: [UInt8]?? = state.withLock { state in
                    if let frame = state.popFirst() { return .some(frame) }
                    if state.isEnded || Task.isCancelled { return .some(nil) }
                    state.waiter = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            finish()
        }
    }
}
