import APIMachinery
import JSONTree
import KubernetesAPI
import Logging
import Synchronization

/// Tells users through Events what happens to their objects. `record` never waits; `run` writes.
///
/// An event's name ends with the moment it was recorded, in nanoseconds: a list of events, which is sorted by name, tells what happened to an object
/// in its order, though the times in the events are whole seconds.
///
/// At most 1,000 events wait to be written: further ones are dropped, and their number is logged. An event that cannot
/// be written after some attempts is dropped too.
package final class EventRecorder: Sendable {
    /// An event that waits to be written.
    private struct Recorded {
        var draft: EventDraft
        var moment: Timestamp
        /// The moment for its name: no two are the same, though the clock may stand still.
        var place: Timestamp
    }

    private struct State {
        var waiting: [Recorded] = []
        var dropped = 0
        var lastPlace = Timestamp.epoch
    }

    private static let limit = 1_000
    private static let attempts = 6

    private let client: APIClient
    private let component: String
    private let host: String
    private let time: any TimeSource
    private let random: RandomSource
    private let log: Logger
    private let state = Mutex(State())
    private let arrivals: WorkQueue<Int>

    /// - Parameters:
    ///   - component: who reports, `swiftlet-scheduler` for instance.
    ///   - host: the node it runs on, empty for what runs anywhere.
    package init(
        client: APIClient, component: String, host: String = "", time: any TimeSource,
        random: RandomSource = RandomSource(), log: Logger = Logger(label: "swiftlet.events")
    ) {
        self.client = client
        self.component = component
        self.host = host
        self.time = time
        self.random = random
        self.log = log
        arrivals = WorkQueue(time: time)
    }

    package func record(_ object: some APIObject, _ type: EventType, reason: String, message: String) {
        record(EventDraft(object.reference(), type, reason: reason, message: message))
    }

    package func record(_ draft: EventDraft) {
        let now = time.now()
        state.withLock { state in
            guard state.waiting.count < Self.limit else {
                state.dropped += 1
                return
            }
            state.lastPlace = max(now, Timestamp(state.lastPlace.sinceEpoch + .nanoseconds(1)))
            state.waiting.append(Recorded(draft: draft, moment: now, place: state.lastPlace))
        }
        arrivals.add(0)
    }

    /// Writes what is recorded until the task is cancelled. One call at a time.
    package func run() async {
        var correlator = EventCorrelator()
        while let signal = await arrivals.next() {
            let (drafts, dropped) = state.withLock { state in
                defer { (state.waiting, state.dropped) = ([], 0) }
                return (state.waiting, state.dropped)
            }
            if dropped > 0 { log.warning("events were dropped, too many at once", metadata: ["count": "\(dropped)"]) }
            for event in drafts where !Task.isCancelled { await write(event, &correlator) }
            arrivals.done(signal)
        }
    }

    private func write(_ event: Recorded, _ correlator: inout EventCorrelator) async {
        let decision = correlator.decide(event.draft, now: event.moment)
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(5))
        for _ in 0..<Self.attempts {
            do throws(Status) {
                return try await carryOut(decision, event, &correlator)
            } catch {
                guard error.isWorthAnotherTry else {
                    return log.debug(
                        "an event was refused",
                        metadata: ["reason": "\(event.draft.reason)", "error": "\(error.message)"])
                }
            }
            guard (try? await time.sleep(for: random.jittered(backoff.next(), by: 0.5))) != nil else { return }
        }
        log.warning("an event could not be written", metadata: ["reason": "\(event.draft.reason)"])
    }

    private func carryOut(
        _ decision: EventCorrelator.Decision, _ event: Recorded, _ correlator: inout EventCorrelator
    ) async throws(Status) {
        switch decision {
        case .drop: return
        case .create(let message, let key):
            correlator.stored(try await create(event, message), key: key)
        case .bump(let old, let message, let key):
            do throws(Status) {
                correlator.stored(try await bump(old, message, event.moment), key: key)
            } catch {
                guard error.isReason(.notFound) else { throw error }
                correlator.stored(try await create(event, message), key: key)
            }
        }
    }

    private func create(_ recorded: Recorded, _ message: String) async throws(Status) -> EventCorrelator.Known {
        let (draft, moment) = (recorded.draft, recorded.moment)
        let namespace = draft.object.namespace ?? "default"
        let name = "\(draft.object.name ?? "unknown").\(recorded.place.nameSuffix)\(random.nameSuffix)"
        let (component, host) = (component, host)
        let event = Event(name: name, namespace: namespace) {
            $0.involvedObject = draft.object
            $0.type = draft.type.rawValue
            $0.reason = draft.reason
            $0.message = message
            $0.count = 1
            $0.firstTimestamp = moment
            $0.lastTimestamp = moment
            $0.reportingComponent = component
            $0.reportingInstance = host
            $0.source = EventSource {
                $0.component = component
                if !host.isEmpty { $0.host = host }
            }
        }
        _ = try await client.create(event)
        return EventCorrelator.Known(name: name, namespace: namespace, count: 1, first: moment)
    }

    private func bump(_ old: EventCorrelator.Known, _ message: String, _ moment: Timestamp) async throws(Status)
        -> EventCorrelator.Known
    {
        var known = old
        known.count = Int32(clamping: Int64(old.count) + 1)
        let patch: JSONValue = [
            "count": .integer(Int64(known.count)), "message": .string(message), "lastTimestamp": moment.json,
        ]
        _ = try await client.patch(Event.self, old.name, in: old.namespace, .merge, patch)
        return known
    }
}

extension Timestamp {
    /// Nanoseconds since 1970 as sixteen hexadecimal digits, which sort as the moments do.
    fileprivate var nameSuffix: String {
        let text = String(UInt64(clamping: self.seconds) &* 1_000_000_000 &+ UInt64(self.nanoseconds), radix: 16)
        return String(repeating: "0", count: max(0, 16 - text.utf8.count)) + text
    }
}

extension RandomSource {
    /// Four digits that keep the events of two components at one moment apart.
    fileprivate var nameSuffix: String {
        String(String(next() | 0x1_0000, radix: 16).suffix(4))
    }
}

extension Status {
    /// The server was away or overloaded; the same request may succeed later.
    package var isWorthAnotherTry: Bool {
        self.code == 429 || self.code >= 500
            || [.serviceUnavailable, .serverTimeout, .timeout].contains { isReason($0) }
    }
}
