extension SPDYSession {
    /// What a session holds between its reader and its streams' holders.
    struct State {
        struct Inbox {
            var chunks: [[UInt8]] = []
            var end: End?
            var reader: CheckedContinuation<Received, Never>?
        }

        enum End {
            case finished, broken
        }

        enum Received {
            case bytes([UInt8])
            case finished, broken
        }

        var peer: SPDYPeer
        var inboxes: [UInt32: Inbox] = [:]
        /// Opened and not accepted yet.
        var arrivals: [SPDYStream] = []
        var acceptor: CheckedContinuation<SPDYStream?, Never>?
        /// Bytes in all inboxes.
        var buffered = 0
        var pausedReader: CheckedContinuation<Void, Never>?
        /// The handler has ended: what still comes is dropped.
        var isDraining = false
        var isOver = false

        var hasRoom: Bool { isOver || isDraining || buffered < SPDYSession.inboxBytes }

        /// What a read gives now; nil where it must wait.
        mutating func next(_ id: UInt32, isCancelled: Bool) -> Received? {
            guard let inbox = inboxes[id] else { return .broken }
            if isCancelled { return .finished }
            if !inbox.chunks.isEmpty {
                let bytes = inboxes[id]?.chunks.removeFirst() ?? []
                buffered -= bytes.count
                return .bytes(bytes)
            }
            switch inbox.end {
            case .finished: return .finished
            case .broken: return .broken
            // A second reader at a time is not served.
            case nil: return inbox.reader == nil ? nil : .broken
            }
        }

        /// Lets go of what waits in an inbox.
        mutating func drop(_ id: UInt32) {
            buffered -= inboxes[id]?.chunks.reduce(0) { $0 + $1.count } ?? 0
            inboxes[id]?.chunks = []
        }

        mutating func takePaused() -> CheckedContinuation<Void, Never>? {
            guard hasRoom else { return nil }
            defer { pausedReader = nil }
            return pausedReader
        }
    }
}
