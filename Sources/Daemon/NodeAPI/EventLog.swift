import APIMachinery
import ContainerRuntime
import JSONTree
import Synchronization

/// What happens on the node, for all who follow it. The last 1,024 events are remembered.
final class EventLog: Sendable {
    private struct State {
        var past: [JSONValue] = []
        /// The latest time of what is not remembered any more: events come out of the order of their times.
        var forgotten: Timestamp?
        var followers = EventReaders<JSONValue>()
    }

    private static let limit = 1_024
    private let state = Mutex(State())

    func note(_ event: JSONValue) {
        state.withLock { state in
            state.past.append(event)
            if state.past.count > Self.limit {
                let time = Self.time(of: state.past.removeFirst())
                state.forgotten = max(state.forgotten ?? time, time)
            }
            state.followers.put(event)
        }
    }

    /// All that is remembered since a time, and all that comes from this call on: each event once, but for what a gap stands for.
    func follow(since start: Timestamp?) -> EventBacklog<JSONValue> {
        state.withLock { state in
            let past = start.map { start in state.past.filter { Self.time(of: $0) >= start } } ?? []
            let isGap = start.flatMap { start in state.forgotten.map { $0 >= start } } ?? false
            let follower = EventBacklog(past, isGap: isGap, bound: Self.limit)
            state.followers.add(follower)
            return follower
        }
    }

    /// Lets all who follow have what there is, also where that is nothing.
    func wake() {
        state.withLock { $0.followers.wake() }
    }

    private static func time(of event: JSONValue) -> Timestamp {
        Timestamp(.nanoseconds(event["time"]?.integer ?? 0))
    }
}
