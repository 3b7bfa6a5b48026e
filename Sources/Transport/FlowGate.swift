import Synchronization

/// Lets the task that makes a stream run ahead of the connection a little, without waiting for an answer to each chunk.
final class FlowGate: Sendable {
    /// Bytes handed over but not yet seen by the connection; beyond it the task waits.
    static let ahead = 64 << 10

    private let pending = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(true)

    /// Whether a chunk may be sent without waiting for the connection to take it. Undone with `took`.
    func admits(_ count: Int) -> Bool {
        guard isOpen.load(ordering: .relaxed) else { return false }
        if pending.add(count, ordering: .relaxed).newValue <= Self.ahead { return true }
        pending.subtract(count, ordering: .relaxed)
        return false
    }

    func took(_ count: Int) {
        pending.subtract(count, ordering: .relaxed)
    }

    /// Told by the connection: closed while it is not writable, and for good once the client is gone.
    func set(open: Bool) {
        isOpen.store(open, ordering: .relaxed)
    }
}
