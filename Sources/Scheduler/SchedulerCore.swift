import APIMachinery
import KubernetesAPI

/// Decides which pod goes where. Pure: what happens comes in as changes, what is to be done comes out as decisions.
package struct SchedulerCore: Sendable {
    package enum Decision: Sendable, Hashable {
        /// Bind the pod to the node; `bound` or `bindingFailed` follows.
        case bind(PodInfo, node: String)
        /// Say in the pod's condition and in an event why it waits.
        case wait(PodInfo, message: String)
        /// It was tried again in vain, and its users know why.
        case stillWait(PodInfo)
    }

    private let framework: Framework
    /// The pods that name this scheduler are ours.
    private let name: String
    package private(set) var cache = ClusterCache()
    package private(set) var queue = SchedulingQueue()
    /// Where the next search begins.
    private var start = 0

    package init(framework: Framework = .standard, name: String = "default-scheduler") {
        self.framework = framework
        self.name = name
    }

    // MARK: What happened

    package mutating func noteNode(_ node: Node, now: Duration) {
        queue.note(cache.update(node), now: now)
    }

    package mutating func noteNodeGone(_ name: String) {
        cache.remove(node: name)
    }

    package mutating func notePod(_ pod: Pod, now: Duration) {
        let phase = pod.status.phase
        let uid = pod.metadata.uid
        if phase == "Succeeded" || phase == "Failed" { return notePodGone(uid, now: now) }
        let isPlaced = !(pod.spec.nodeName ?? "").isEmpty
        if isPlaced {
            place(PodInfo(pod), now: now)
        } else if pod.metadata.deletionTimestamp != nil {
            notePodGone(uid, now: now)
        } else if pod.spec.schedulerName == name, !cache.contains(pod: uid) {
            queue.put(PodInfo(pod), now: now)
        }
    }

    private mutating func place(_ pod: PodInfo, now: Duration) {
        queue.remove(pod.uid)
        let known = cache[pod.nodeName]?.pods[pod.uid]
        // The pod as it was when its binding was decided differs in its node alone.
        cache.add(pod, to: pod.nodeName)
        guard let known else { return queue.note(.podPlaced, now: now) }
        if known.labels != pod.labels || known.isEnding != pod.isEnding { queue.note(.podPlaced, now: now) }
        if known.requests != pod.requests { queue.note(.podGone, now: now) }
    }

    package mutating func notePodGone(_ uid: String, now: Duration) {
        queue.remove(uid)
        if cache.remove(pod: uid) != nil { queue.note(.podGone, now: now) }
    }

    /// The binding went well. Where the pod is already known to be on its node this changes nothing.
    package mutating func bound(_ uid: String, now: Duration) {
        queue.remove(uid)
        queue.note(.podPlaced, now: now)
    }

    /// The binding did not go well: the room is free again, and the pod is tried later.
    package mutating func bindingFailed(_ uid: String, now: Duration) {
        guard queue[uid] != nil else { return }
        cache.remove(pod: uid)
        queue.retry(uid, now: now)
        queue.note(.podGone, now: now)
    }

    /// What `wait` asked to be said could not be.
    package mutating func wasNotTold(_ uid: String) {
        queue.wasNotTold(uid)
    }

    // MARK: What to do

    /// The next decision; nil where nothing is to be done before `nextWake` or a change.
    package mutating func next(now: Duration) -> Decision? {
        guard let pod = queue.next(now: now)?.pod else { return nil }
        switch framework.place(pod, in: cache, startingAt: start) {
        case .on(let node):
            start = (start + 1) % max(1, cache.nodes.count)
            cache.add(pod, to: node)
            return .bind(pod, node: node)
        case .nowhere(let why):
            queue.park(pod.uid, helpedBy: why.helpedBy, now: now)
            let message = why.message
            return queue.isNews(pod.uid, message, now: now) ? .wait(pod, message: message) : .stillWait(pod)
        }
    }

    package var nextWake: Duration? { queue.nextWake }
}
