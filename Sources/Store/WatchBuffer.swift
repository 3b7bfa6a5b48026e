/// The undelivered events of one watcher, and how its watch ended. Pure.
///
/// At the limit the watcher is ended with `.overrun` and what it had not read is dropped: it lists anew.
struct WatchBuffer: Sendable {
    enum Taken: Sendable {
        case events([StoreEvent])
        /// The store was closed.
        case finished
        case failed(StoreError)
        /// Nothing yet.
        case nothing
    }

    private enum Ending: Sendable {
        case finished
        case failed(StoreError)
    }

    private let limit: Int
    private var events: [StoreEvent] = []
    private var ending: Ending?

    init(limit: Int) {
        self.limit = limit
    }

    var hasEnded: Bool { ending != nil }

    mutating func offer(_ batch: [StoreEvent]) {
        guard ending == nil, !batch.isEmpty else { return }
        guard events.count + batch.count <= limit else { return fail(.overrun) }
        events.append(contentsOf: batch)
    }

    /// What was offered before is still delivered.
    mutating func finish() {
        if ending == nil { ending = .finished }
    }

    /// What was offered before is dropped. The first ending stands, except that a failure overrules a finish.
    mutating func fail(_ error: StoreError) {
        if case .failed = ending { return }
        ending = .failed(error)
        events = []
    }

    mutating func take() -> Taken {
        if case .failed(let error) = ending { return .failed(error) }
        if !events.isEmpty {
            let taken = events
            events = []
            return .events(taken)
        }
        return ending == nil ? .nothing : .finished
    }
}
