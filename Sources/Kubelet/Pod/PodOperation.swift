import APIMachinery
import CRI
import KubernetesAPI

/// A moment on both clocks: the wall's for what users read, the monotonic one for deadlines.
struct Moment: Sendable, Hashable {
    var wall: Timestamp
    var uptime: Duration

    /// The monotonic time of a moment in the past that the runtime gave on the wall clock; now where that clock was set back since.
    func uptime(of nanoseconds: UnixNanoseconds) -> Duration {
        uptime(of: Timestamp(.nanoseconds(nanoseconds)))
    }

    func uptime(of moment: Timestamp) -> Duration {
        uptime - max(.zero, wall - moment)
    }
}

/// Work that takes time; at most one of the same key is under way.
enum PodOperation: Sendable, Hashable {
    case prepareVolumes
    /// Writes the volumes that come from the API again.
    case refreshVolumes
    case createSandbox(attempt: UInt32)
    /// Has the images that a container needs there before its run.
    /// - Parameter held: those whose pull failed, and it is too early for the next.
    case ensureImages(container: String, attempt: UInt32, held: Set<String>)
    /// - Parameter images: the ids of those that it was allowed to use, by their names.
    case startContainer(name: String, attempt: UInt32, images: [String: String])
    /// - Parameter isShortened: another stop of it is under way with a longer grace.
    case stopContainer(id: String, name: String, grace: Duration, isShortened: Bool = false)
    case removeContainer(id: String)
    case stopSandbox(id: String)
    case removeSandbox(id: String)
    case cleanVolumes
    /// Takes the volumes of a pod away that has ended and stays.
    case releaseVolumes
    case publish(PodStatus)
    /// Tells the API server that the pod is gone from here, so that the object may go.
    case confirmDeletion
    case probe(ProbeKey, timeout: Duration)

    var key: Key {
        switch self {
        case .prepareVolumes, .refreshVolumes, .cleanVolumes, .releaseVolumes: .volumes
        case .createSandbox: .sandbox
        case .ensureImages(let container, _, _): .image(container)
        case .startContainer(let name, _, _): .container(name)
        case .stopContainer(let id, let name, let grace, let isShortened):
            isShortened ? .shortenedStop(id, grace) : .container(name)
        case .removeContainer(let id): .removal(id)
        case .stopSandbox: .sandbox
        case .removeSandbox(let id): .removal(id)
        case .publish: .publication
        case .confirmDeletion: .confirmation
        case .probe(let key, _): .probe(key)
        }
    }

    enum Key: Sendable, Hashable {
        case volumes, sandbox, publication, confirmation
        case container(String)
        case image(String)
        case removal(String)
        case shortenedStop(String, Duration)
        case probe(ProbeKey)

        var isImage: Bool {
            if case .image = self { true } else { false }
        }
    }
}

/// How an operation ended.
enum PodOutcome: Sendable, Hashable {
    case success
    case failure(reason: String, message: String)
    /// The images that a container needs are there and it may use them: their ids, by their names.
    case imagesPresent([String: String])
    /// An image that a container needs cannot be had.
    case imageMissing(ImageDemand, reason: String, message: String)
    /// The volumes are made, from this.
    case prepared(VolumeContents)
    /// A probe's answer; `message` says what failed, or what is odd of one that did not.
    case probed(isHealthy: Bool, message: String)

    var isFailure: Bool {
        switch self {
        case .failure, .imageMissing: true
        case .success, .imagesPresent, .prepared, .probed: false
        }
    }
}

/// What reaches a pod's machine.
enum PodEvent: Sendable {
    /// The pod's object is new or has changed.
    case updated(Pod)
    /// The pod's object is gone.
    case removed
    /// The node ends the pod, or refuses it.
    case terminated(PodTermination)
    case observed(PodObservation)
    /// An object that a volume is made from has this version, "" where it is gone.
    case announced(ReferencedObject, version: String)
    case finished(PodOperation, PodOutcome, PodObservation?)
    /// What held operations up may be gone: those that failed are tried again now.
    case unblocked
    /// The wall clock was set: tokens are good or not by it.
    case clockSet
    /// The time asked for has come.
    case tick
}

/// What a pod's machine wants done.
enum PodAction: Sendable, Hashable {
    case perform(PodOperation)
    case event(isWarning: Bool, reason: String, message: String, container: String?)
    case wake(at: Duration)
    /// Nothing of a pod that was terminated runs any more.
    case ended
    /// Nothing of the pod is left on this node; its worker ends.
    case finish
}
