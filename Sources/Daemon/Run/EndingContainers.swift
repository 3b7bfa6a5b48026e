import Synchronization

/// Counts those who are ending each container.
final class EndingContainers: Sendable {
    private struct Ending {
        var count = 0
        /// Of those who wait until it is nobody any more.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let containers = Mutex<[String: Ending]>([:])

    func add(_ id: String) { containers.withLock { $0[id, default: Ending()].count += 1 } }

    func remove(_ id: String) {
        let waiting = containers.withLock { containers -> [AsyncStream<Never>.Continuation] in
            containers[id]?.count -= 1
            guard let ending = containers[id], ending.count == 0 else { return [] }
            containers[id] = nil
            return ending.waiting
        }
        for continuation in waiting { continuation.finish() }
    }

    func holds(_ id: String) -> Bool { containers.withLock { $0[id] != nil } }

    /// Returns when nobody is ending it any more, whatever has become of it, or the task is cancelled.
    func wait(for id: String) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let isHeld = containers.withLock { containers in
            containers[id]?.waiting.append(continuation)
            return containers[id] != nil
        }
        guard isHeld else { return }
        for await _ in stream {}
    }

    /// How many wait.
    func waiting(for id: String) -> Int { containers.withLock { $0[id]?.waiting.count ?? 0 } }
}
