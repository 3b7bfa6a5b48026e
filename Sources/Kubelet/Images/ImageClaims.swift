import Synchronization

/// Which images pods are about to make containers of, and which are being removed to free room: none is both. One entry for each image that a container needs; a
/// pod's go with its volumes.
final class ImageClaims: Sendable {
    private struct State {
        /// Ids by the pod's uid, the container, and the name that this has for the image.
        var claims: [String: [String: [String: String]]] = [:]
        /// The ids of those that are being removed, each with who waits for the end of that.
        var leaving: [String: [CheckedContinuation<Void, Never>]] = [:]
        var removals: UInt64 = 0

        func isClaimed(_ id: String) -> Bool {
            claims.values.contains { pod in pod.values.contains { $0.values.contains(id) } }
        }
    }

    private let state = Mutex(State())

    /// How many removals have ended. Taken before an image is looked for.
    var removals: UInt64 { state.withLock { $0.removals } }

    /// Keeps an image from being removed from now on. A removal that is under way is waited for.
    /// - Returns: whether an image that was there after `removals` were counted is there; false where one was removed since, perhaps this.
    func claim(
        _ id: String, as image: String, by pod: String, container: String, since removals: UInt64
    ) async -> Bool {
        let isThere = state.withLock { state in
            state.claims[pod, default: [:]][container, default: [:]][image] = id
            return state.leaving[id] == nil && state.removals == removals
        }
        if isThere { return true }
        await withCheckedContinuation { continuation in
            state.withLock { state in
                guard state.leaving[id] != nil else { return continuation.resume() }
                state.leaving[id]?.append(continuation)
            }
        }
        return false
    }

    /// Gives up what a container was about to use under other names: it has been given another image.
    func keep(_ images: Set<String>, by pod: String, container: String) {
        state.withLock { state in
            guard let claims = state.claims[pod]?[container] else { return }
            state.claims[pod]?[container] = claims.filter { images.contains($0.key) }
        }
    }

    func forget(podUID: String) {
        state.withLock { _ = $0.claims.removeValue(forKey: podUID) }
    }

    /// - Returns: false where a pod has claimed it, or where it is being removed already.
    func beginRemoval(of id: String) -> Bool {
        state.withLock { state in
            guard state.leaving[id] == nil, !state.isClaimed(id) else { return false }
            state.leaving[id] = []
            return true
        }
    }

    func endRemoval(of id: String) {
        let waiting = state.withLock { state in
            state.removals += 1
            return state.leaving.removeValue(forKey: id) ?? []
        }
        for each in waiting { each.resume() }
    }
}
