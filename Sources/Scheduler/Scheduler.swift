import APIMachinery
import Client
import JSONTree
import KubernetesAPI
import Logging
import Synchronization

/// Gives every pod a node. It reads two informers, which the caller keeps running, and acts when they or its own bindings tell of a change.
package final class Scheduler: Sendable {
    /// Bindings under way at the same time; further pods wait for one to end.
    private static let concurrentBindings = 64
    private static let triesInARow = 64
    /// Conditions written at the same time.
    private static let writers = 4

    private let client: APIClient
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let events: EventRecorder
    private let time: any TimeSource
    private let log: Logger
    private let unplaced: @Sendable (ObjectReference, String) -> Void
    private let core: Mutex<SchedulerCore>
    /// Holds one signal: there may be something to do.
    private let signals: WorkQueue<Int>
    private let bindings: WorkQueue<Binding>
    /// Pods whose users are to be told why they wait, by uid; the newest message counts.
    private let messages = Mutex<[String: (pod: PodInfo, text: String)]>([:])
    private let explanations: WorkQueue<String>

    private struct Binding: Hashable, Sendable {
        let pod: PodInfo
        let node: String
    }

    /// - Parameter unplaced: told of a pod for which there is no node, and why, each time that there is another reason; must return at once.
    package init(
        client: APIClient, pods: Informer<Pod>, nodes: Informer<Node>, time: any TimeSource,
        name: String = "default-scheduler", random: RandomSource = RandomSource(),
        log: Logger = Logger(label: "swiftlet.scheduler"),
        unplaced: @escaping @Sendable (ObjectReference, String) -> Void = { _, _ in }
    ) {
        self.client = client
        self.pods = pods
        self.nodes = nodes
        self.time = time
        self.log = log
        self.unplaced = unplaced
        events = EventRecorder(client: client, component: name, time: time, random: random, log: log)
        core = Mutex(SchedulerCore(name: name))
        signals = WorkQueue(time: time)
        bindings = WorkQueue(time: time)
        explanations = WorkQueue(time: time)
    }

    /// Runs until the task is cancelled.
    package func run() async {
        guard await nodes.waitUntilSynced(), await pods.waitUntilSynced() else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.events.run() }
            group.addTask { await self.followNodes() }
            group.addTask { await self.followPods() }
            group.addTask { await self.decide() }
            group.addTask {
                await self.bindings.process(workers: Self.concurrentBindings) { binding in
                    await self.bind(binding)
                    return nil
                }
            }
            group.addTask {
                await self.explanations.process(workers: Self.writers) { uid in
                    guard let (pod, text) = self.messages.withLock({ $0.removeValue(forKey: uid) }) else { return nil }
                    await self.explain(pod, text)
                    return nil
                }
            }
        }
    }

    private func followNodes() async {
        for await event in nodes.subscribe() {
            let now = time.uptime()
            core.withLock { core in
                switch event {
                case .added(let node), .updated(_, let node): core.noteNode(node, now: now)
                case .deleted(let node): core.noteNodeGone(node.metadata.name)
                case .synced: break
                }
            }
            signals.add(0)
        }
    }

    private func followPods() async {
        for await event in pods.subscribe() {
            if case .updated(let old, let new) = event, Self.isPlacementSame(old, new) { continue }
            let now = time.uptime()
            core.withLock { core in
                switch event {
                case .added(let pod), .updated(_, let pod): core.notePod(pod, now: now)
                case .deleted(let pod): core.notePodGone(pod.metadata.uid, now: now)
                case .synced: break
                }
            }
            signals.add(0)
        }
    }

    /// Most updates are reports of a node and change nothing here.
    private static func isPlacementSame(_ old: Pod, _ new: Pod) -> Bool {
        func isOver(_ pod: Pod) -> Bool {
            let phase = pod.status.phase
            return phase == "Succeeded" || phase == "Failed"
        }
        let (before, after) = (old.metadata, new.metadata)
        return before.uid == after.uid && before.storage["labels"] == after.storage["labels"]
            && (before.deletionTimestamp == nil) == (after.deletionTimestamp == nil) && isOver(old) == isOver(new)
            && old.storage["spec"] == new.storage["spec"]
    }

    /// Decides as long as there is something to decide, then waits for a signal or for the time of a pod that waits. Many pods that wait take
    /// the processor from nobody: after some tries everybody else has a turn.
    private func decide() async {
        await signals.process { _ in
            var tries = 0
            while let decision = self.core.withLock({ $0.next(now: self.time.uptime()) }) {
                self.carryOut(decision)
                tries += 1
                if tries.isMultiple(of: Self.triesInARow) { await Task.yield() }
            }
            return self.core.withLock { $0.nextWake }.map { max(.milliseconds(1), $0 - self.time.uptime()) }
        }
    }

    private func carryOut(_ decision: SchedulerCore.Decision) {
        switch decision {
        case .bind(let pod, let node): bindings.add(Binding(pod: pod, node: node))
        case .wait(let pod, let text):
            messages.withLock { $0[pod.uid] = (pod, text) }
            explanations.add(pod.uid)
        case .stillWait: break
        }
    }

    private func bind(_ binding: Binding) async {
        let pod = binding.pod
        let body = KubernetesAPI.Binding(name: pod.name, namespace: pod.namespace) { body in
            body.metadata.uid = pod.uid
            body.target = ObjectReference {
                $0.kind = Node.kind.kind
                $0.name = binding.node
            }
        }
        do throws(Status) {
            _ = try await client.createSubresource(
                Pod.self, pod.name, in: pod.namespace, subresource: "binding", body.json)
            core.withLock { $0.bound(pod.uid, now: time.uptime()) }
            events.record(
                EventDraft(
                    pod.reference, .normal, reason: "Scheduled",
                    message: "Successfully assigned \(pod.path) to \(binding.node)"))
        } catch {
            core.withLock { $0.bindingFailed(pod.uid, now: time.uptime()) }
            noteRefusal(binding, error)
        }
        signals.add(0)
    }

    /// A pod that is gone or placed already is no failure: the view lagged behind.
    private func noteRefusal(_ binding: Binding, _ error: Status) {
        let isStale = error.isReason(.notFound) || error.isReason(.conflict)
        log.log(
            level: isStale ? .debug : .warning, "a binding was refused",
            metadata: ["pod": "\(binding.pod.path)", "node": "\(binding.node)", "error": "\(error.message)"])
        guard !isStale else { return }
        events.record(
            EventDraft(
                binding.pod.reference, .warning, reason: "FailedScheduling",
                message: "binding rejected: \(error.message)"))
    }

    /// Tells why the pod waits, where users look: in its condition and in an event.
    private func explain(_ pod: PodInfo, _ message: String) async {
        events.record(EventDraft(pod.reference, .warning, reason: "FailedScheduling", message: message))
        let known = pods.get(pod.name, in: pod.namespace)?.status.conditions.first { $0.type == "PodScheduled" }
        guard known?.status != "False" || known?.message != message || known?.reason != "Unschedulable" else { return }
        unplaced(pod.reference, message)
        let now = time.now().truncatedToSeconds
        let condition = PodCondition { condition in
            condition.type = "PodScheduled"
            condition.status = "False"
            condition.reason = "Unschedulable"
            condition.message = message
            condition.lastTransitionTime = known?.status == "False" ? known?.lastTransitionTime ?? now : now
        }
        do throws(Status) {
            let _: Pod = try await client.patch(
                Pod.self, pod.name, in: pod.namespace, subresource: "status", .strategicMerge,
                ["metadata": ["uid": .string(pod.uid)], "status": ["conditions": [condition.json]]])
        } catch {
            guard !error.isReason(.notFound) else { return }
            core.withLock { $0.wasNotTold(pod.uid) }
            log.warning(
                "a pod's condition was not written", metadata: ["pod": "\(pod.path)", "error": "\(error.message)"])
        }
    }
}

extension PodInfo {
    fileprivate var reference: ObjectReference {
        ObjectReference {
            $0.apiVersion = Pod.kind.apiVersion
            $0.kind = Pod.kind.kind
            $0.namespace = namespace
            $0.name = name
            $0.uid = uid
        }
    }
}
