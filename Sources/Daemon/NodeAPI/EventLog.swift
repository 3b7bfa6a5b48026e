import APIMachinery
import JSONTree
import Synchronization

/// What happens on the node, for all who follow it. The last 1,024 events are remembered.
final class EventLog: Sendable {
    private struct State {
        var past: [JSONValue] = []
        var last: UInt64 = 0
        var followers: [UInt64: AsyncStream<JSONValue>.Continuation] = [:]
    }

    private static let limit = 1_024
    private let state = Mutex(State())

    /// Who lets more than `limit` events wait is cut off.
    func note(_ event: JSONValue) {
        let followers = state.withLock { state in
            state.past.append(event)
            if state.past.count > Self.limit { state.past.removeFirst() }
            return Array(state.followers.values)
        }
        for follower in followers {
            if case .dropped = follower.yield(event) { follower.finish() }
        }
    }

    /// All that is remembered since a time, and all that comes from this call on: no event is in both, and none in neither.
    func follow(since time: Timestamp?) -> (past: [JSONValue], coming: AsyncStream<JSONValue>) {
        let (coming, continuation) = AsyncStream.makeStream(
            of: JSONValue.self, bufferingPolicy: .bufferingOldest(Self.limit))
        let (past, number) = state.withLock { state in
            state.last += 1
            state.followers[state.last] = continuation
            return (state.past, state.last)
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.followers.removeValue(forKey: number) }
        }
        guard let time else { return ([], coming) }
        return (past.filter { Timestamp(.nanoseconds($0["time"]?.integer ?? 0)) >= time }, coming)
    }

    /// Events were missed: what there is is not to be taken for all.
    func cut() {
        let followers = state.withLock { state in
            state.past = []
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }
}
