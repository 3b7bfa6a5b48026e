import Synchronization

/// A client's connections: how many there are, and those that wait for the next request (the latest used is taken first).
final class ConnectionPool: Sendable {
    private struct State {
        var idle: [ClientConnection] = []
        var count = 0
        var closed = false
    }

    private let limits: ClientLimits
    private let state = Mutex(State())

    init(limits: ClientLimits) {
        self.limits = limits
    }

    /// A kept connection that is still open, nil where there is none.
    func take() -> ClientConnection? {
        state.withLock { state in
            while let last = state.idle.popLast() {
                if last.isActive { return last }
            }
            return nil
        }
    }

    /// Makes room for a new connection; false at the limit.
    func reserve() -> Bool {
        state.withLock { state in
            guard state.count < limits.connections else { return false }
            state.count += 1
            return true
        }
    }

    /// Keeps a connection whose response has ended; false where it shall be closed.
    func keep(_ connection: ClientConnection) -> Bool {
        state.withLock { state in
            guard !state.closed, state.idle.count < limits.idleConnections else { return false }
            state.idle.append(connection)
            return true
        }
    }

    /// Forgets a connection that has closed.
    func remove(_ connection: ClientConnection?) {
        state.withLock { state in
            state.count -= 1
            state.idle.removeAll { $0 === connection }
        }
    }

    /// Closes the kept connections; those that come back later are kept again.
    func drop() {
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { connection.close() }
    }

    func close() {
        let idle = state.withLock { state in
            state.closed = true
            return state.idle
        }
        for connection in idle { connection.close() }
    }
}
