/// How long an image that could not be pulled is left alone: 10 s, doubling to 300 s, and from the start again where nothing has failed for twice that
/// (upstream's curve). Pure: times come from the caller, on the monotonic clock.
struct PullBackoff: Sendable, Hashable {
    private(set) var delay = Duration.zero
    private var lastFailure = Duration.zero
    /// What the last pull failed with.
    private(set) var cause = ""

    init() {}

    /// When it may be pulled again.
    var end: Duration { lastFailure + delay }

    /// Notes a pull that failed. One that was begun before another failed, and fails within that one's wait, makes the wait no longer.
    mutating func failed(at now: Duration, cause: String) {
        self.cause = cause
        guard now >= end else { return }
        let isFirst = delay == .zero || now - lastFailure > RestartBackoff.limit * 2
        delay = isFirst ? RestartBackoff.initial : min(delay * 2, RestartBackoff.limit)
        lastFailure = now
    }
}

/// The reasons of containers that wait for their images, in upstream's words.
enum ImageFailure {
    static let invalidName = "InvalidImageName"
    static let inspect = "ImageInspectError"
    static let neverPull = "ErrImageNeverPull"
    static let pull = "ErrImagePull"
    static let backOff = "ImagePullBackOff"
    /// A runtime says these two at the beginning of its message (cri-api, pkg/errors).
    static let registryUnavailable = "RegistryUnavailable"
    static let badSignature = "SignatureValidationFailed"

    /// Whether a pull was tried and failed.
    static func isPull(_ reason: String) -> Bool { [pull, registryUnavailable, badSignature].contains(reason) }
}
