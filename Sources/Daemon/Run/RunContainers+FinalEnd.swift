import CRI
import Synchronization

/// Who follows a container over its restarts.
extension RunContainers {
    /// Returns when it has ended and nobody is to start it again, when it is gone, or when the task is cancelled.
    func waitForFinalEnd(of run: Run) async {
        let id = run.sandbox.id
        while !Task.isCancelled {
            // Before the look, so that nothing falls between the two.
            let (events, changes) = (runtime.containerEvents(), changes.follow())
            guard let now = try? await list(sandbox: id).first, !hasEndedForGood(now) else { return }
            await withTaskGroup { group in
                group.addTask { for await event in events where event.sandbox == id { break } }
                group.addTask { for await _ in changes { break } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Not while somebody ends it: a restart is among those.
    private func hasEndedForGood(_ run: Run) -> Bool {
        run.hasEnded && !run.isToRestart && run.container.map { !ending.holds($0.id) } ?? true
    }
}

/// Wakes those who wait for what no event of the runtime tells: what containers' users want, and that nobody ends one any more.
final class RunChanges: Sendable {
    private struct State {
        var count = 0
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    func tell() {
        for follower in state.withLock({ $0.followers.values.map { $0 } }) { follower.yield() }
    }

    func follow() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.count += 1
            state.followers[state.count] = continuation
            return state.count
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.followers.removeValue(forKey: number) }
        }
        return stream
    }
}
