import Synchronization

/// Tells one wait from another, so that a cancellation which comes late does not hit the next one.
final class CancelToken: Sendable {
    private let flag = Atomic<Bool>(false)

    var isCancelled: Bool { flag.load(ordering: .relaxed) }

    func cancel() {
        flag.store(true, ordering: .relaxed)
    }
}
