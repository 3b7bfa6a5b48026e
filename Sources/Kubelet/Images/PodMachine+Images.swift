import APIMachinery
import CRI
import KubernetesAPI

extension PodMachine {
    /// What a run of a container may be made of.
    struct RunImages: Sendable, Hashable {
        var attempt: UInt32
        /// By their names, which may mean others by now.
        var ids: [String: String]
    }

    /// Starts a container. Before each run its image and those of its volumes are made sure of, beside everything else: a pod that ends waits for no pull.
    mutating func start(_ name: String, after last: CRI.ContainerStatus?, at now: Moment) -> [PodAction] {
        let attempt = last.map { $0.metadata.attempt &+ 1 } ?? 0
        let start = PodOperation.Key.container(name)
        // A start that failed for another reason takes its pauses.
        if !underWay.contains(start), renewed.remove(name) != nil, waiting[name]?.reason == "CreateContainerConfigError"
        {
            retries[start] = nil
        }
        if let images = images[name], images.attempt == attempt {
            return perform(.startContainer(name: name, attempt: attempt, images: images.ids), at: now)
        }
        guard isDue(start, at: now), !underWay.contains(start) else { return [] }
        let held = Set(pod.spec.imageDemands(of: name).map(\.image)).filter { (pulls[$0]?.end ?? .zero) > now.uptime }
        return perform(.ensureImages(container: name, attempt: attempt, held: held), at: now)
    }

    /// Takes in whether what a container needs is there.
    mutating func imagesEnsured(
        _ name: String, attempt: UInt32, _ outcome: PodOutcome, at now: Moment
    ) -> [PodAction] {
        if case .imagesPresent(let ids) = outcome { images[name] = RunImages(attempt: attempt, ids: ids) }
        guard case .imageMissing(let demand, let reason, let message) = outcome else { return [] }
        let image = demand.image
        var failure = Waiting(reason: reason, message: message)
        if reason == ImageFailure.backOff, let pull = pulls[image] {
            failure.message += ": " + pull.cause
            retries[.image(name)]?.at.lower(to: pull.end)
        } else if ImageFailure.isPull(reason) {
            let known = pod.spec.imageNames
            pulls = pulls.filter { known.contains($0.key) }
            pulls[image, default: PullBackoff()].failed(at: now.uptime, cause: "\(reason): \(message)")
            // Soon it is looked whether somebody else has brought it, and told that it waits.
            retries[.image(name)] = Retry(failures: 1, at: now.uptime + .seconds(1))
        }
        // That it waits is told once for each wait.
        guard waiting[name] != failure || reason != ImageFailure.backOff else { return [] }
        waiting[name] = failure
        return Self.events(of: failure, demand, container: name)
    }

    /// What kubectl describe shows of it, as upstream says it.
    private static func events(of failure: Waiting, _ demand: ImageDemand, container: String) -> [PodAction] {
        func event(_ reason: String, _ message: String, isWarning: Bool = true) -> PodAction {
            .event(isWarning: isWarning, reason: reason, message: message, container: demand.container)
        }
        let image = demand.image
        let cause: PodAction? =
            switch failure.reason {
            case ImageFailure.invalidName, ImageFailure.inspect: event("InspectFailed", failure.message)
            case ImageFailure.neverPull: event(ImageFailure.neverPull, failure.message)
            case ImageFailure.backOff: event("BackOff", "Back-off pulling image \"\(image)\"", isWarning: false)
            case let reason where ImageFailure.isPull(reason):
                event("Failed", "Failed to pull image \"\(image)\": \(failure.message)")
            default: nil
            }
        let text = cause == nil ? failure.message : "Error: \(failure.reason)"
        let end = PodAction.event(isWarning: true, reason: "Failed", message: text, container: container)
        return [cause, end].compactMap(\.self)
    }

    /// A container that is given another image is not held up by what became of the old one.
    mutating func noteImages(of new: Pod) {
        for container in new.spec.initContainers + new.spec.containers
        where container.image != pod.spec.container(named: container.name)?.image {
            images[container.name] = nil
            retries[.image(container.name)] = nil
        }
    }
}

extension Duration {
    fileprivate mutating func lower(to other: Duration) { self = min(self, other) }
}
