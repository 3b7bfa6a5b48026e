import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// What a pod that ends still needs: containers stopped, then the sandbox, then nothing left.
    mutating func planEnd(at now: Moment) -> [PodAction] {
        let running = observation.running
        guard running.isEmpty else {
            for name in probes.keys { probes[name]?.end() }
            return stopContainers(running, at: now) + planProbes(at: now)
        }
        // A start or a sandbox under way ends first, and is then seen here.
        guard !isBuilding else { return [] }
        let held = observation.sandboxes.filter(\.isHeld)
        guard held.isEmpty else { return held.flatMap { perform(.stopSandbox(id: $0.id), at: now) } }
        guard isEnding else { return planRelease(at: now) }
        return planDisappearance(at: now)
    }

    /// What a pod that has ended kept in its volumes goes as soon as its end is told; containers and logs stay, for people to look at.
    private mutating func planRelease(at now: Moment) -> [PodAction] {
        isReleaseDue ? perform(.releaseVolumes, at: now) : []
    }

    private var isReleaseDue: Bool {
        guard !isEnding, !areVolumesReleased, pod.spec.volumes.contains(where: { $0.hostPath == nil }) else {
            return false
        }
        return finalPhase != nil
    }

    private mutating func stopContainers(_ running: [CRI.ContainerStatus], at now: Moment) -> [PodAction] {
        let begin = endBegin ?? now.uptime
        endBegin = begin
        let rest = min(grace, max(Self.leastGrace, grace - (now.uptime - begin)))
        var actions: [PodAction] = []
        for status in next(of: running, isOver: now.uptime - begin >= grace) {
            let name = status.metadata.name
            let stop = perform(.stopContainer(id: status.id, name: name, grace: rest), at: now)
            guard !stop.isEmpty else {
                actions += shorten(status, to: rest, at: now)
                continue
            }
            stopGraces[name] = grace
            actions += stop
            actions.append(
                .event(
                    isWarning: false, reason: "Killing", message: "Stopping container \(name)", container: name))
        }
        return actions
    }

    /// What a container has at least where its pod's grace is longer than that; and again for its signal after its preStop hook.
    static let leastGrace = Duration.seconds(2)

    /// The longest until nothing of a pod runs unless something hangs: the last container is stopped when the grace is over, and its hook, its signal, and
    /// the kills with the sandbox's end take the least each.
    static func longestEnd(within grace: Duration) -> Duration { grace + leastGrace * 3 }

    /// Those that are stopped now: all but the sidecars, then those one by one, the last first. Once the pod's grace is over, none waits for another.
    private func next(of running: [CRI.ContainerStatus], isOver: Bool) -> [CRI.ContainerStatus] {
        let sidecars = pod.spec.initContainers.filter(\.isSidecar).map(\.name)
        let regular = running.filter { !sidecars.contains($0.metadata.name) }
        if isOver { return running }
        guard regular.isEmpty else { return regular }
        let last = sidecars.last { name in running.contains { $0.metadata.name == name } }
        return running.filter { $0.metadata.name == last }
    }

    /// A stop under way gets the grace of a later deletion where that is shorter.
    private mutating func shorten(_ status: CRI.ContainerStatus, to rest: Duration, at now: Moment) -> [PodAction] {
        let name = status.metadata.name
        guard let begun = stopGraces[name], grace < begun else { return [] }
        stopGraces[name] = grace
        return perform(
            .stopContainer(id: status.id, name: name, grace: rest, isShortened: true), at: now)
    }

    /// What is under way may yet give something that runs.
    private var isBuilding: Bool {
        underWay.contains { key in
            switch key {
            case .sandbox: true
            case .container(let name): stopGraces[name] == nil
            case .volumes, .publication, .confirmation, .removal, .probe, .shortenedStop, .image: false
            }
        }
    }

    var grace: Duration {
        let seconds = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds
        let grace = min(.seconds(max(0, seconds)), termination?.grace ?? .seconds(max(0, seconds)))
        return min(grace, graceLimit ?? grace)
    }

    /// Once nothing of a pod runs that the node ends, its last status has been written or could not be, and its volumes likewise are gone.
    mutating func tellEnd() -> [PodAction] {
        guard isEndAwaited, observation.running.isEmpty, !observation.holdsSandbox, !isBuilding,
            isRemoved || !underWay.contains(.publication) || retries[.publication] != nil,
            !isReleaseDue || retries[.volumes] != nil
        else { return [] }
        isEndAwaited = false
        return [.ended]
    }

    /// Everything has stopped: the last status is written, then containers, sandboxes and volumes go, then the object.
    private mutating func planDisappearance(at now: Moment) -> [PodAction] {
        if !isRemoved, !isPublishedFinal { return [] }
        if !isCleaned { return cleanVolumes(at: now) }
        if !observation.isEmpty { return [] }
        if !isRemoved { return perform(.confirmDeletion, at: now) }
        // A pull that is under way is given up.
        return underWay.allSatisfy(\.isImage) ? [.finish] : []
    }

    /// At once, also where making them has failed and waits for its next attempt.
    private mutating func cleanVolumes(at now: Moment) -> [PodAction] {
        if volumeFailure != nil { (volumeFailure, retries[.volumes]) = (nil, nil) }
        return perform(.cleanVolumes, at: now)
    }

    /// Removes what nobody will look at any more: all of it once the pod is going, else all but the last two runs of each container.
    mutating func planRemovals(at now: Moment) -> [PodAction] {
        let isGone = isEnding && isCleaned
        var seen: [String: Int] = [:]
        var actions: [PodAction] = []
        var kept: Set<String> = []
        for container in observation.containers {
            seen[container.metadata.name, default: 0] += 1
            let isOld = (seen[container.metadata.name] ?? 0) > 2 && container.state == .exited
            if isGone || isOld {
                actions += perform(.removeContainer(id: container.id), at: now)
            } else {
                kept.insert(container.sandbox)
            }
        }
        for sandbox in observation.sandboxes.dropFirst(isGone ? 0 : 1) where !kept.contains(sandbox.id) {
            if observation.containers.contains(where: { $0.sandbox == sandbox.id }) { continue }
            actions += perform(.removeSandbox(id: sandbox.id), at: now)
        }
        return actions
    }

    mutating func planPublication(at now: Moment) -> [PodAction] {
        // The last status stands: what is taken away after it is no news.
        guard !isRemoved, !isPublishedFinal else { return [] }
        let status = status(at: now)
        let isFinal =
            isEnding && observation.running.isEmpty && !observation.holdsSandbox && !isBuilding
        guard status != published else {
            if isFinal, !underWay.contains(.publication) {
                isPublishedFinal = true
                return planDisappearance(at: now)
            }
            return []
        }
        return perform(.publish(status), at: now)
    }
}
