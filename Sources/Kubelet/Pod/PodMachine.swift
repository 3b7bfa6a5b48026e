import APIMachinery
import CRI
import KubernetesAPI

/// The life of one pod on this node, decided purely: `step` takes an event and the time and returns what to do.
///
///     pending -> volumes, sandbox -> init containers -> running -> (ending) stop containers -> stop sandbox -> clean up -> gone
///
/// Nothing here waits or does I/O. An operation that is under way is in `underWay` and is not asked for again until it has finished.
struct PodMachine: Sendable {
    /// What is wrong with something that could not be made, as the status says it.
    struct Waiting: Sendable, Hashable {
        var reason: String
        var message: String
    }

    /// When an operation that failed may be tried again.
    struct Retry: Sendable, Hashable {
        var failures: Int
        var at: Duration
    }

    var pod: Pod
    var observation: PodObservation
    /// The object is gone from the API, or the pod must go without anybody to tell.
    var isRemoved = false
    /// The node ends the pod; its object stays.
    var termination: PodTermination?
    /// The least that the node has granted, also where the pod ended before for another reason.
    var graceLimit: Duration?
    /// When the pod began here, on the monotonic clock.
    var activeSince: Duration?
    /// Somebody waits for the end of what runs.
    var isEndAwaited = false
    var areVolumesReady = false
    var volumeFailure: Waiting?
    var sources = VolumeSources()
    var sandboxFailure: Waiting?
    var waiting: [String: Waiting] = [:]
    /// The run of each container that its images are there for.
    var images: [String: RunImages] = [:]
    /// Pulls that failed, by image.
    var pulls: [String: PullBackoff] = [:]
    var backoffs: [String: RestartBackoff] = [:]
    /// When containers ended, by their ids, on the monotonic clock: noted when it is first seen, so that a wall clock that is set moves nothing.
    var ends: [String: Duration] = [:]
    /// The attempt after whose end an event told that the container waits.
    var announcedBackoffs: [String: UInt32] = [:]
    var probes: [String: ProbeSet] = [:]
    var underWay: Set<PodOperation.Key> = []
    /// Containers whose start is under way, to the end of their postStart hook: they may run already, and are told as waiting.
    var starting: Set<String> = []
    /// The runs that were stopped because their pod names another image by now, by the containers' names: they are run again whatever the restart policy.
    var replaced: [String: String] = [:]
    /// Containers whose environment may be made otherwise than at their last start.
    var renewed: Set<String> = []
    /// The pod's grace at each stop under way, by the container's name.
    var stopGraces: [String: Duration] = [:]
    /// When the first container was stopped because the pod ends, on the monotonic clock: all have the pod's grace from then on.
    var endBegin: Duration?
    var retries: [PodOperation.Key: Retry] = [:]
    var published: PodStatus?
    var isPublishedFinal = false
    var isCleaned = false
    /// The volumes of a pod that has ended are gone; its object stays.
    var areVolumesReleased = false
    let node: NodeIdentity

    /// - Parameter observation: what the runtime has of the pod already; of a pod that ran before the daemon did, everything.
    init(_ pod: Pod, observation: PodObservation, node: NodeIdentity) {
        self.pod = pod
        self.observation = observation
        self.node = node
        published = pod.status
        for container in pod.spec.containers + pod.spec.initContainers {
            backoffs[container.name] = RestartBackoff(resuming: observation.newest(container.name))
        }
    }

    /// The pod is to go: it is being deleted, or its object is gone.
    var isEnding: Bool { isRemoved || pod.metadata.deletionTimestamp != nil }

    mutating func step(_ event: PodEvent, at now: Moment) -> [PodAction] {
        var actions = absorb(event, at: now) + planDeadline(at: now)
        if isEnding || isFinished || termination != nil {
            actions += planEnd(at: now)
        } else {
            actions += planRun(at: now)
        }
        actions += planRemovals(at: now)
        actions += planPublication(at: now)
        actions += tellEnd()
        if let wake = nextWake(at: now) { actions.append(.wake(at: wake)) }
        return actions
    }

    /// Takes in what happened.
    private mutating func absorb(_ event: PodEvent, at now: Moment) -> [PodAction] {
        switch event {
        case .updated(let new):
            noteFields(of: new)
            noteImages(of: new)
            pod = new
            adoptForeignConditions()
            return []
        case .removed:
            isRemoved = true
            return []
        case .terminated(let new):
            isEndAwaited = true
            graceLimit = min(graceLimit ?? new.grace, new.grace)
            guard termination == nil, !isFinished else { return [] }
            termination = new
            return new.hasEvent
                ? [.event(isWarning: true, reason: new.reason, message: new.message, container: nil)] : []
        case .observed(let new):
            take(new, at: now)
            return []
        case .announced(let object, let version):
            if pod.volumeObjects.contains(object) { sources.announced[object] = version }
            if !version.isEmpty { renewed.formUnion(pod.containers(madeFrom: object)) }
            return []
        case .unblocked:
            retries = [:]
            return []
        case .clockSet:
            if sources.contents.renewal != nil { sources.isRefreshDue = true }
            return []
        case .tick:
            return []
        case .finished(let operation, let outcome, let new):
            underWay.remove(operation.key)
            if case .startContainer(let name, _, _) = operation { starting.remove(name) }
            noteRetry(operation.key, outcome, at: now)
            if let new { take(new, at: now) }
            return absorb(operation, outcome, at: now)
        }
    }

    private mutating func take(_ new: PodObservation, at now: Moment) {
        guard new.sequence >= observation.sequence else { return }
        observation = new
        for container in new.containers where container.startedAt > 0 {
            backoffs[container.metadata.name]?.resumed(startedAt: now.uptime(of: container.startedAt))
        }
        noteEnds(at: now)
        followProbes(at: now)
    }

    private mutating func noteEnds(at now: Moment) {
        var known: [String: Duration] = [:]
        for status in observation.containers where status.state == .exited {
            known[status.id] = ends[status.id] ?? now.uptime(of: status.finishedAt)
        }
        ends = known
    }

    /// Conditions that others set (readiness gates) come from the object; ours stay as we last wrote them. Only Ready may have been overruled
    /// since, when the node was silent: that is then what stands, and ours is told again.
    mutating func adoptForeignConditions() {
        guard var own = published?.conditions.filter({ isOwn($0) }) else { return }
        let foreign = pod.status.conditions.filter { !isOwn($0) }
        if let told = pod.status.conditions.first(where: { $0.type == "Ready" }),
            let index = own.firstIndex(where: { $0.type == "Ready" }), own[index].status != told.status,
            (own[index].lastTransitionTime ?? .epoch) < (told.lastTransitionTime ?? .epoch)
        {
            own[index] = told
        }
        published?.conditions = own + foreign
    }

    /// The conditions that the kubelet writes.
    static let ownConditions: Set<String> = [
        "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled",
    ]

    /// The disruption of a pod that others did not end is ours to tell.
    private func isOwn(_ condition: PodCondition) -> Bool {
        Self.ownConditions.contains(condition.type)
            || termination?.disruption != nil && condition.type == PodTermination.condition
    }

    /// Keeps one probe set for each running container.
    private mutating func followProbes(at now: Moment) {
        var running: [String: ProbeSet] = [:]
        for container in pod.spec.initContainers + pod.spec.containers {
            guard let status = observation.current(container.name), status.state == .running else { continue }
            if let set = probes[container.name], set.id == status.id {
                running[container.name] = set
            } else {
                running[container.name] = ProbeSet(
                    container, id: status.id, startedAt: now.uptime(of: status.startedAt))
            }
        }
        probes = running
    }

    /// Adds an operation unless one of its key is under way, or has failed and must wait.
    mutating func perform(_ operation: PodOperation, at now: Moment) -> [PodAction] {
        guard isDue(operation.key, at: now) else { return [] }
        guard underWay.insert(operation.key).inserted else { return [] }
        if case .startContainer(let name, _, _) = operation { starting.insert(name) }
        return [.perform(operation)]
    }

    func isDue(_ key: PodOperation.Key, at now: Moment) -> Bool {
        (retries[key]?.at ?? .zero) <= now.uptime
    }

    /// What fails is tried again after 1 s, doubling to 60 s; what succeeds is no longer held back. A probe has its period.
    private mutating func noteRetry(_ key: PodOperation.Key, _ outcome: PodOutcome, at now: Moment) {
        if case .probe = key { return }
        guard outcome.isFailure else {
            retries[key] = nil
            return
        }
        let failures = min(6, (retries[key]?.failures ?? 0) + 1)
        retries[key] = Retry(failures: failures, at: now.uptime + min(.seconds(60), .seconds(1 << (failures - 1))))
    }

    private func nextWake(at now: Moment) -> Duration? {
        var times = probes.values.compactMap(\.nextDue)
        times += retries.values.map(\.at)
        if let deadline { times.append(deadline) }
        if let endBegin, !observation.running.isEmpty { times.append(endBegin + grace) }
        if !isEnding, termination == nil {
            if let renewal = sources.contents.renewal { times.append(renewal) }
            times += pod.spec.containers.compactMap { restartTime($0.name, at: now) }
            times += pod.spec.initContainers.compactMap { restartTime($0.name, at: now) }
        }
        return times.filter { $0 > now.uptime }.min()
    }
}
