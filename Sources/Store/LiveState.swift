import Synchronization

/// The newest durable state and those who watch it: what every backend shares.
///
/// State and watchers change under one lock, so that a watcher sees each event once, in order, and only after reads
/// see its effect.
final class LiveState: Sendable {
    private struct State {
        var latest: LatestState
        var watchers: [Int: BufferedWatch.Inbox] = [:]
        var nextWatcher = 0
        var closed = false
    }

    private let state: Mutex<State>

    init(_ latest: LatestState = LatestState()) {
        state = Mutex(State(latest: latest))
    }

    /// The newest durable state, a copy that costs nothing until the next write.
    func latest() throws(StoreError) -> LatestState {
        let (latest, closed) = state.withLock { ($0.latest, $0.closed) }
        guard !closed else { throw .closed }
        return latest
    }

    /// Makes durable records visible and hands their events to the watchers.
    func publish(_ records: [LogRecord]) {
        guard !records.isEmpty else { return }
        state.withLock { state in
            for record in records { state.latest.apply(record) }
            deliver(records, to: &state)
        }
    }

    /// For a backend that decides under the lock: `decide` returns what became durable.
    func write<Answer>(_ decide: (LatestState) throws(StoreError) -> ([LogRecord], Answer)) throws(StoreError) -> Answer
    {
        let result: Result<Answer, StoreError> = state.withLock { state in
            guard !state.closed else { return .failure(.closed) }
            do throws(StoreError) {
                let (records, answer) = try decide(state.latest)
                for record in records { state.latest.apply(record) }
                deliver(records, to: &state)
                return .success(answer)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Refuses reads and watches before `revision` from now on.
    func setCompacted(_ revision: Revision) {
        state.withLock { $0.latest.compacted = max($0.latest.compacted, revision) }
    }

    /// Replaces the state after a reopen and cuts every watcher off; they resume after the last revision they saw.
    func replace(_ latest: LatestState, cutting error: StoreError) {
        let watchers = state.withLock { state in
            state.latest = latest
            defer { state.watchers = [:] }
            return state.watchers
        }
        for inbox in watchers.values { inbox.fail(error) }
    }

    /// Watchers get what they have not read, then the end.
    func close() {
        let watchers = state.withLock { state in
            state.closed = true
            defer { state.watchers = [:] }
            return state.watchers
        }
        for inbox in watchers.values { inbox.finish() }
    }

    /// Registers a watcher: all that becomes durable after the returned revision reaches its inbox.
    func register(_ inbox: BufferedWatch.Inbox, after: Revision) throws(StoreError) -> (id: Int, from: Revision) {
        let result: Result<(id: Int, from: Revision), StoreError> = state.withLock { state in
            guard !state.closed else { return .failure(.closed) }
            do throws(StoreError) {
                _ = try state.latest.readable(after)
            } catch {
                return .failure(error)
            }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = inbox
            return .success((state.nextWatcher, state.latest.revision))
        }
        return try result.get()
    }

    func unregister(_ id: Int) {
        state.withLock { $0.watchers[id] = nil }
    }

    private func deliver(_ records: [LogRecord], to state: inout State) {
        guard !state.watchers.isEmpty else { return }
        let events = records.map(\.event)
        for (id, inbox) in state.watchers {
            let matching = events.filter { ByteKey.hasPrefix($0.key, inbox.prefix) }
            if !matching.isEmpty, !inbox.offer(matching) { state.watchers[id] = nil }
        }
    }
}
