import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// What a pod that is to run still needs.
    mutating func planRun(at now: Moment) -> [PodAction] {
        let actions = planVolumes(at: now)
        guard observation.readySandbox != nil else {
            return actions + planSandbox(at: now)
        }
        guard areVolumesReady else { return actions }
        return actions + planEphemeral(at: now) + planContainers(at: now)
    }

    /// An ephemeral container runs once, beside whatever runs.
    private mutating func planEphemeral(at now: Moment) -> [PodAction] {
        var actions: [PodAction] = []
        for container in pod.spec.ephemeralContainers {
            switch observation.newest(container.name)?.state {
            case nil: actions += start(container.name, after: nil, at: now)
            case .created, .unknown: actions += planContainer(Container(container), at: now)
            case .running, .exited: break
            }
        }
        return actions
    }

    private mutating func planContainers(at now: Moment) -> [PodAction] {
        var (actions, isInitialized) = planInit(at: now)
        if isInitialized { actions += planRegular(at: now) }
        return actions + planProbes(at: now)
    }

    /// All at once; but who is before one that has a postStart hook is started to the end of that, well or not, before it.
    private mutating func planRegular(at now: Moment) -> [PodAction] {
        var actions: [PodAction] = []
        var isHeld = false
        for container in pod.spec.containers where !hasEndedForGood(container) {
            let name = container.name
            if !isHeld || observation.current(name)?.state == .running { actions += planContainer(container, at: now) }
            let isBeingStarted = starting.contains(name) || underWay.contains(.image(name))
            isHeld = isHeld || container.lifecycle?.postStart != nil && isBeingStarted
        }
        return actions
    }

    private mutating func planSandbox(at now: Moment) -> [PodAction] {
        guard let last = observation.sandboxes.first else { return perform(.createSandbox(attempt: 0), at: now) }
        let isTold = retries[.sandbox] != nil
        let creation = perform(.createSandbox(attempt: last.metadata.attempt &+ 1), at: now)
        if isTold || creation.isEmpty { return creation }
        let message = "Pod sandbox changed, it will be killed and re-created."
        return [.event(isWarning: false, reason: "SandboxChanged", message: message, container: nil)] + creation
    }

    /// Init containers run one after the other; one with `restartPolicy: Always` (a sidecar) runs on once it has started.
    private mutating func planInit(at now: Moment) -> ([PodAction], isInitialized: Bool) {
        // A regular container in this sandbox says that initialization was done, whatever became of the init containers since, and so does the end of the
        // last of these.
        let last = pod.spec.initContainers.last.flatMap { $0.isSidecar ? nil : observation.current($0.name) }
        let isPast =
            last?.state == .exited && last?.exitCode == 0
            || pod.spec.containers.contains { observation.current($0.name) != nil }
        // So one that has begun says that the sidecars before it had started.
        let latest = pod.spec.initContainers.lastIndex { observation.current($0.name) != nil } ?? 0
        var actions: [PodAction] = []
        for (place, container) in pod.spec.initContainers.enumerated() {
            let status = observation.current(container.name)
            if container.isSidecar {
                actions += planContainer(container, at: now)
                let hasStarted = isPast || place < latest || startedProbes(container.name)?.isStarted == true
                guard hasStarted else { return (actions, false) }
            } else if !isPast {
                guard status?.state == .exited, status?.exitCode == 0 else {
                    return (actions + planContainer(container, at: now), false)
                }
            }
        }
        return (actions, true)
    }

    /// It ran in a sandbox that is lost, and what it did need not be done again.
    private func hasEndedForGood(_ container: Container) -> Bool {
        guard observation.current(container.name) == nil, let last = observation.newest(container.name) else {
            return false
        }
        return last.state == .exited && !shouldRestart(container, exitCode: last.exitCode)
    }

    /// Starts a container that is not there, restarts one that ended and may, stops one that its probes condemn.
    private mutating func planContainer(_ container: Container, at now: Moment) -> [PodAction] {
        let name = container.name
        guard let status = observation.current(name) else {
            return start(name, after: observation.newest(name), at: now)
        }
        switch status.state {
        case .running:
            return planRunning(container, status, at: now)
        case .created, .unknown:
            // Left over from a start that was cut short.
            return underWay.contains(.container(name)) ? [] : perform(.removeContainer(id: status.id), at: now)
        case .exited:
            guard shouldRestart(container, exitCode: status.exitCode) else { return [] }
            guard let time = restartTime(name, at: now) else { return [] }
            return time <= now.uptime ? start(name, after: status, at: now) : announceBackoff(status)
        }
    }

    /// Tells once for each wait that a container which keeps ending is held back.
    private mutating func announceBackoff(_ status: CRI.ContainerStatus) -> [PodAction] {
        let name = status.metadata.name
        guard announcedBackoffs.updateValue(status.metadata.attempt, forKey: name) != status.metadata.attempt else {
            return []
        }
        let message = "Back-off restarting failed container \(name) in pod \(pod.metadata.logName)"
        return [.event(isWarning: true, reason: "BackOff", message: message, container: name)]
    }

    private mutating func planRunning(
        _ container: Container, _ status: CRI.ContainerStatus, at now: Moment
    ) -> [PodAction] {
        if isOfAnotherImage(container, status) {
            let stop = restart(
                container, status, grace: pod.spec.terminationGracePeriodSeconds, because: "definition changed", at: now
            )
            if !stop.isEmpty {
                replaced[container.name] = status.id
                backoffs[container.name] = RestartBackoff()
            }
            return stop
        }
        guard let failure = probes[container.name]?.failure else { return [] }
        let probe = failure == .startup ? container.startupProbe : container.livenessProbe
        let seconds = probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds
        return restart(container, status, grace: seconds, because: "failed \(failure.rawValue) probe", at: now)
    }

    /// Of all that a container is made of only its image can change. An init container that is at work ends with the one that it has.
    private func isOfAnotherImage(_ container: Container, _ status: CRI.ContainerStatus) -> Bool {
        guard let image = status.askedImage, image != container.image ?? "" else { return false }
        return container.isSidecar || pod.spec.containers.contains { $0.name == container.name }
    }

    /// Stops one that runs, for the next run to follow.
    private mutating func restart(
        _ container: Container, _ status: CRI.ContainerStatus, grace seconds: Int64, because reason: String,
        at now: Moment
    ) -> [PodAction] {
        let name = container.name
        let grace = Duration.seconds(max(0, seconds))
        let stop = perform(.stopContainer(id: status.id, name: name, grace: grace), at: now)
        guard !stop.isEmpty else { return [] }
        stopGraces[name] = grace
        let message = "Container \(name) \(reason), will be restarted"
        return stop + [.event(isWarning: false, reason: "Killing", message: message, container: name)]
    }

    /// By its own rules and policy where it has any (KEP-5307), else by its pod's; also where it was stopped for another image. An init container that has
    /// done its work is done, whatever they say.
    func shouldRestart(_ container: Container, exitCode: Int32) -> Bool {
        if pod.spec.ephemeralContainers.contains(where: { $0.name == container.name }) { return false }
        let isInit = pod.spec.initContainers.contains { $0.name == container.name }
        if isInit, exitCode == 0, !container.isSidecar { return false }
        if let run = replaced[container.name], run == observation.newest(container.name)?.id { return true }
        if container.restartPolicy != nil, container.restartPolicyRules.contains(where: { $0.isFor(exitCode) }) {
            return true
        }
        return switch container.restartPolicy ?? pod.spec.restartPolicy {
        case "Never": false
        case "OnFailure": exitCode != 0
        default: true
        }
    }

    /// When an ended container may run again, nil where it has not ended.
    func restartTime(_ name: String, at now: Moment) -> Duration? {
        guard let status = observation.current(name), status.state == .exited else { return nil }
        let end = ends[status.id] ?? now.uptime(of: status.finishedAt)
        return backoffs[name]?.earliestStart(endedAt: end) ?? end
    }

    /// What the probes say of a container; nil where it does not run, or its start has not ended.
    func startedProbes(_ name: String) -> ProbeSet? {
        starting.contains(name) ? nil : probes[name]
    }

    mutating func planProbes(at now: Moment) -> [PodAction] {
        var actions: [PodAction] = []
        for name in probes.keys.sorted() where !starting.contains(name) {
            for (key, timeout) in probes[name]?.begin(at: now.uptime) ?? [] {
                actions += perform(.probe(key, timeout: timeout), at: now)
            }
        }
        return actions
    }
}

extension PodSpec {
    /// The container of this name, of whichever kind.
    func container(named name: String) -> Container? {
        (self.initContainers + self.containers).first { $0.name == name }
            ?? self.ephemeralContainers.first { $0.name == name }.map(Container.init)
    }
}

extension ObjectMeta {
    /// A pod in messages: `name_namespace(uid)`.
    var logName: String { "\(self.name)_\(self.namespace)(\(self.uid))" }
}

extension Container {
    /// An ephemeral container, which is run as any other.
    init(_ ephemeral: EphemeralContainer) {
        self.init(storage: ephemeral.storage)
        storage["targetContainerName"] = nil
    }

    /// An init container that runs beside the others (KEP-753).
    var isSidecar: Bool { self.restartPolicy == "Always" }
}

extension ContainerRestartRule {
    func isFor(_ exitCode: Int32) -> Bool {
        guard let codes = self.exitCodes else { return false }
        return codes.values.contains(exitCode) == (codes.operator == "In")
    }
}
