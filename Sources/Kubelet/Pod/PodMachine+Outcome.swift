import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// Takes in how an operation ended.
    mutating func absorb(_ operation: PodOperation, _ outcome: PodOutcome, at now: Moment) -> [PodAction] {
        switch operation {
        case .prepareVolumes, .refreshVolumes:
            return volumesWritten(outcome)
        case .createSandbox:
            return sandboxCreated(outcome)
        case .ensureImages(let name, let attempt, _):
            return imagesEnsured(name, attempt: attempt, outcome, at: now)
        case .startContainer(let name, let attempt, _):
            return containerStarted(name, attempt: attempt, outcome, at: now)
        case .probe(let key, _):
            return probed(key, outcome)
        case .publish(let status):
            // A status that did not arrive is sent again.
            guard case .success = outcome else { return [] }
            published = status
            adoptForeignConditions()
            return []
        case .cleanVolumes:
            if case .success = outcome { isCleaned = true }
            return []
        case .releaseVolumes:
            if case .success = outcome { areVolumesReleased = true }
            return []
        case .confirmDeletion:
            if case .success = outcome { isRemoved = true }
            return []
        case .stopContainer(_, let name, _, let isShortened):
            if !isShortened { stopGraces[name] = nil }
            return failureEvent(operation, outcome)
        case .removeContainer, .stopSandbox, .removeSandbox:
            return failureEvent(operation, outcome)
        }
    }

    private mutating func sandboxCreated(_ outcome: PodOutcome) -> [PodAction] {
        guard case .failure(let reason, let message) = outcome else {
            sandboxFailure = nil
            return notHeld(observation.readySandbox?.warnings ?? [], container: nil)
        }
        sandboxFailure = Waiting(reason: reason, message: message)
        return [.event(isWarning: true, reason: reason, message: message, container: nil)]
    }

    /// One event for all.
    private func notHeld(_ warnings: [String], container: String?) -> [PodAction] {
        guard !warnings.isEmpty else { return [] }
        let message = warnings.joined(separator: "; ")
        return [.event(isWarning: true, reason: "LimitNotHeld", message: message, container: container)]
    }

    private mutating func containerStarted(
        _ name: String, attempt: UInt32, _ outcome: PodOutcome, at now: Moment
    ) -> [PodAction] {
        // The first start of all is no restart: what ends for the first time comes back at once.
        if attempt > 0, observation.newest(name)?.metadata.attempt == attempt {
            let end = observation.previous(name).map { ends[$0.id] ?? now.uptime(of: $0.finishedAt) }
            backoffs[name, default: RestartBackoff()].started(at: now.uptime, previousEnd: end)
        }
        guard case .failure(let reason, let message) = outcome else {
            waiting[name] = nil
            let warnings = observation.newest(name)?.warnings ?? []
            // A run that lacks what the one before lacked has nothing new to tell.
            let areNew = warnings != observation.previous(name)?.warnings
            return areNew ? notHeld(warnings, container: name) : []
        }
        images[name] = nil
        // A run that has ended tells itself why; what waits is the next one.
        let isHeldBack = hasEnded(name, attempt: attempt) && (backoffs[name]?.delay ?? .zero) > .zero
        waiting[name] = isHeldBack ? nil : Waiting(reason: reason, message: message)
        // Its sandbox was lost meanwhile, and both are made anew.
        guard observation.readySandbox != nil else { return [] }
        return [.event(isWarning: true, reason: "Failed", message: "Error: \(message)", container: name)]
    }

    private func hasEnded(_ name: String, attempt: UInt32) -> Bool {
        observation.newest(name).map { $0.metadata.attempt == attempt && $0.state == .exited } ?? false
    }

    private mutating func probed(_ key: ProbeKey, _ outcome: PodOutcome) -> [PodAction] {
        let kind = key.kind.rawValue.capitalizedFirst
        if case .failure(_, let message) = outcome {
            let text = "\(kind) probe errored and resulted in unknown state: \(message)"
            return [.event(isWarning: true, reason: "Unhealthy", message: text, container: key.container)]
        }
        guard case .probed(let isHealthy, let message) = outcome, probes[key.container] != nil else { return [] }
        _ = probes[key.container]?.answered(key, isHealthy: isHealthy)
        guard !isHealthy || !message.isEmpty else { return [] }
        let text = "\(kind) probe \(isHealthy ? "warning" : "failed"): \(message)"
        let reason = isHealthy ? "ProbeWarning" : "Unhealthy"
        return [.event(isWarning: true, reason: reason, message: text, container: key.container)]
    }

    private func failureEvent(_ operation: PodOperation, _ outcome: PodOutcome) -> [PodAction] {
        guard case .failure(_, let message) = outcome else { return [] }
        let reason =
            switch operation {
            case .stopContainer, .stopSandbox: "FailedKillPod"
            default: "FailedRemove"
            }
        return [.event(isWarning: true, reason: reason, message: message, container: nil)]
    }
}

extension String {
    /// ASCII: `liveness` to `Liveness`.
    var capitalizedFirst: String {
        prefix(1).uppercased() + dropFirst()
    }
}
