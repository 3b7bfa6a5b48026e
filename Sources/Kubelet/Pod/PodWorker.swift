import APIMachinery
import CRI
import KubernetesAPI
import Synchronization

/// Drives one pod's machine: takes its events in order, steps it, carries the actions out beside each other, and feeds their outcomes back.
///
/// The inbox holds what has come and was not yet looked at. It needs no bound of its own: changes of the object replace each other
/// (`PodInbox`), and operations under way are bounded by the machine, one of a key.
struct PodWorker: Sendable {
    let executor: PodExecutor
    let time: any TimeSource

    /// Returns when nothing of the pod is left on this node, or when the task is cancelled; then the pod runs on.
    func run(_ pod: Pod, inbox: PodInbox) async {
        guard let observation = await executor.untilAnswered({ await executor.observe(pod) }) else {
            return inbox.noteEnd()
        }
        var machine = PodMachine(pod, observation: observation, node: executor.node)
        let wakes = WakeTimer(time: time, inbox: inbox)
        let sources = pod.referencedObjects
        executor.watches.follow(sources, inbox)
        defer {
            executor.watches.leave(sources, inbox)
            // What was under way to the end may have claimed once more.
            executor.claims.forget(podUID: pod.metadata.uid)
            inbox.noteEnd()
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await wakes.run() }
            inbox.send(.observed(machine.observation))
            for await _ in inbox.arrivals {
                // What was broken off says nothing of the pod.
                if Task.isCancelled { break }
                var isFinished = false
                for event in inbox.take() {
                    let now = Moment(wall: time.now(), uptime: time.uptime())
                    for action in machine.step(event, at: now) {
                        switch action {
                        case .perform(let operation):
                            let pod = machine.pod
                            let observation = machine.observation
                            group.addTask {
                                let (outcome, seen) = await executor.carryOut(operation, pod, observation)
                                inbox.send(.finished(operation, outcome, seen))
                            }
                        case .event(let isWarning, let reason, let message, let container):
                            executor.record(machine.pod, isWarning, reason, message, container)
                        case .wake(let moment):
                            wakes.set(moment)
                        case .ended:
                            inbox.noteEnd()
                        case .finish:
                            isFinished = true
                        }
                    }
                }
                if isFinished { break }
            }
            group.cancelAll()
        }
    }
}

/// What is on its way to one pod's worker.
final class PodInbox: Sendable {
    private let pending = Mutex<[PodEvent]>([])
    private let continuation: AsyncStream<Void>.Continuation
    private let ends: AsyncStream<Void>
    private let endContinuation: AsyncStream<Void>.Continuation
    /// Yields when there is something to take. One reader.
    let arrivals: AsyncStream<Void>

    init() {
        (arrivals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (ends, endContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Has the pod ended by its node. Returns when nothing of it runs any more, or when the task is cancelled. At most one caller at a time.
    func terminate(_ termination: PodTermination) async {
        send(.terminated(termination))
        for await _ in ends {}
    }

    func noteEnd() {
        endContinuation.finish()
    }

    /// A newer state of the object, a newer tick and a look at the runtime that was begun later take the place of one that was not yet read.
    func send(_ event: PodEvent) {
        pending.withLock { events in
            guard !events.contains(where: { $0.isLaterLook(than: event) }) else { return }
            events.removeAll { $0.isReplaced(by: event) }
            events.append(event)
        }
        continuation.yield()
    }

    func take() -> [PodEvent] {
        pending.withLock { events in
            defer { events = [] }
            return events
        }
    }
}

extension PodEvent {
    fileprivate func isReplaced(by newer: PodEvent) -> Bool {
        switch (self, newer) {
        case (.updated, .updated), (.tick, .tick), (.observed, .observed), (.unblocked, .unblocked),
            (.clockSet, .clockSet):
            true
        case (.announced(let own, _), .announced(let new, _)): own == new
        default: false
        }
    }

    /// Looks at the runtime may come in another order than they were begun in.
    fileprivate func isLaterLook(than other: PodEvent) -> Bool {
        guard case .observed(let own) = self, case .observed(let new) = other else { return false }
        return own.sequence > new.sequence
    }
}

/// Sends a tick at the time last asked for.
private final class WakeTimer: Sendable {
    private let time: any TimeSource
    private let inbox: PodInbox
    private let due = Mutex<Duration?>(nil)
    private let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(time: any TimeSource, inbox: PodInbox) {
        self.time = time
        self.inbox = inbox
        (changes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func set(_ moment: Duration) {
        let isEarlier = due.withLock { due in
            defer { due = moment }
            return due.map { moment < $0 } ?? true
        }
        if isEarlier { continuation.yield() }
    }

    /// Ends when its task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await _ in changes {
                guard let moment = due.withLock({ $0 }) else { continue }
                group.addTask { [self] in await fire(at: moment) }
            }
            group.cancelAll()
        }
    }

    /// Sleeps until the moment that is due, which may move later meanwhile.
    private func fire(at moment: Duration) async {
        var target = moment
        while true {
            let rest = target - time.uptime()
            if rest > .zero {
                guard (try? await time.sleep(for: rest)) != nil else { return }
            }
            let next: Duration? = due.withLock { due in
                guard let current = due, current > time.uptime() else {
                    due = nil
                    return nil
                }
                return current
            }
            guard let next else { return inbox.send(.tick) }
            if next < target { return }
            target = next
        }
    }
}
