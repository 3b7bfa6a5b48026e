import CRI
import Synchronization

/// Stops of containers under way: the daemon's end does not wait for them.
final class PendingStops: Sendable {
    private struct State {
        var isGivenUp = false
        var tasks: [Int: Task<Result<Void, CRIError>, Never>] = [:]
        var last = 0
    }

    private let state = Mutex(State())

    /// Goes on whatever becomes of who has asked for it.
    /// - Throws: also where all are given up; the container runs on then.
    func carryOut(
        _ name: String, _ stop: @escaping @Sendable () async throws(CRIError) -> Void
    ) async throws(CRIError) {
        let task = Task { () -> Result<Void, CRIError> in
            do throws(CRIError) { return .success(try await stop()) } catch { return .failure(error) }
        }
        let number = add(task)
        let result = await task.value
        state.withLock { _ = $0.tasks.removeValue(forKey: number) }
        if case .failure = result, task.isCancelled {
            throw .failed(
                "container \(name) was not stopped: the daemon is stopping and leaves it running; repeat this when the daemon is back"
            )
        }
        try result.get()
    }

    private func add(_ task: Task<Result<Void, CRIError>, Never>) -> Int {
        let (number, isGivenUp) = state.withLock { state in
            state.last += 1
            state.tasks[state.last] = task
            return (state.last, state.isGivenUp)
        }
        if isGivenUp { task.cancel() }
        return number
    }

    /// The daemon ends: from now on no container is given time to end.
    func giveUp() {
        let tasks = state.withLock { state in
            state.isGivenUp = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }
}
