import Synchronization

/// Sandboxes that could not be settled.
final class UnsettledSandboxes: Sendable {
    private struct State {
        /// Each by one task; whether there is something new of it since that began.
        var tried: [String: Bool] = [:]
        var givenUp: Set<String> = []
    }

    /// Those that are to be tried again; read once.
    let waiting: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation
    private let state = Mutex(State())

    init() { (waiting, continuation) = AsyncStream.makeStream(of: String.self) }

    func put(_ id: String) {
        if state.withLock({ $0.tried.updateValue($0.tried[id] != nil, forKey: id) == nil }) { continuation.yield(id) }
    }

    /// - Returns: false where it is to be tried once more.
    func isDone(_ id: String) -> Bool {
        state.withLock { state in
            guard state.tried[id] == true else {
                state.tried[id] = nil
                return true
            }
            state.tried[id] = false
            return false
        }
    }

    /// It is not tried any more, until somebody asks.
    func giveUp(_ id: String) { state.withLock { _ = $0.givenUp.insert(id) } }

    /// It is settled after all, or gone.
    func remove(_ id: String) { state.withLock { _ = $0.givenUp.remove(id) } }

    func isGivenUp(_ id: String) -> Bool { state.withLock { $0.givenUp.contains(id) } }
}
