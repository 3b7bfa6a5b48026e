import APIMachinery
import JSONTree
import KubernetesAPI
import Logging
import Synchronization

/// Tells users through Events what happens to their objects. `record` never waits; `run` writes.
///
/// At most 1,000 events wait to be written: further ones are dropped, and their number is logged. An event that cannot
/// be written after some attempts is dropped too.
package final class EventRecorder: Sendable {
    private struct State {
        var waiting: [(EventDraft, Timestamp)] = []
        var dropped = 0
    }

    private static let limit = 1_000
    private static let attempts = 4

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
            state.waiting.append((draft, now))
        }
        arrivals.add(0)
    }

    /// Writes what is recorded until the task is cancelled. One call at a time.
    package func run() async {
        var correlator = EventCorrelator()
        while let signal = await arrivals.next() {
            let (drafts, dropped) = state.withLock { state in
                defer { state = State() }
                return (state.waiting, state.dropped)
            }
            if dropped > 0 { log.warning("events were dropped, too many at once", metadata: ["count": "\(dropped)"]) }
            for (draft, moment) in drafts where !Task.isCancelled { await write(draft, moment, &correlator) }
            arrivals.done(signal)
        }
    }

    private func write(_ draft: EventDraft, _ moment: Timestamp, _ correlator: inout EventCorrelator) async {
        let decision = correlator.decide(draft, now: moment)
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(5))
        for _ in 0..<Self.attempts {
            do throws(Status) {
                return try await carryOut(decision, draft, moment, &correlator)
            } catch {
                guard error.isWorthAnotherTry else {
                    return log.debug(
                        "an event was refused",
                        metadata: ["reason": "\(draft.reason)", "error": "\(error.message)"])
                }
            }
            guard (try? await time.sleep(for: random.jittered(backoff.next(), by: 0.5))) != nil else { return }
        }
        log.warning("an event could not be written", metadata: ["reason": "\(draft.reason)"])
    }

    private func carryOut(
        _ decision: EventCorrelator.Decision, _ draft: EventDraft, _ moment: Timestamp,
        _ correlator: inout EventCorrelator
    ) async throws(Status) {
        switch decision {
        case .drop: return
        case .create(let message, let key):
            correlator.stored(try await create(draft, message, moment), key: key)
        case .bump(let old, let message, let key):
            do throws(Status) {
                correlator.stored(try await bump(old, message, moment), key: key)
            } catch {
                guard error.isReason(.notFound) else { throw error }
                correlator.stored(try await create(draft, message, moment), key: key)
            }
        }
    }

    private func create(_ draft: EventDraft, _ message: String, _ moment: Timestamp) async throws(Status)
        -> EventCorrelator.Known
    {
        let namespace = draft.object.namespace ?? "default"
        let name = "\(draft.object.name ?? "unknown").\(String(random.next(), radix: 16))"
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

extension Status {
    /// The server was away or overloaded; the same request may succeed later.
    package var isWorthAnotherTry: Bool {
        self.code == 429 || self.code >= 500
            || [.serviceUnavailable, .serverTimeout, .timeout].contains { isReason($0) }
    }
}
