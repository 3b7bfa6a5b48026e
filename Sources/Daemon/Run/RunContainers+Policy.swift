import CRI
import Logging
import Synchronization

/// Ended containers that their restart policies start again. A policy waits without the turn, and acts only where it finds the same container as it decided on,
/// ended, and its user wants nothing else.
extension RunContainers {
    /// How often a policy has started it again since its user did, and what was waited before the last time: on each attempt.
    static let restartsLabel = "swiftlet.dev/restarts"
    static let pauseLabel = "swiftlet.dev/restart-pause"

    /// Starts it again as its policy has it: until it runs, or its user wants otherwise, or the policy has enough.
    func follow(_ sandbox: String) async {
        guard let run = try? await list(sandbox: sandbox).first, let ended = run.container, isFollowed(run),
            let spec = try? spec(of: run), followed.insert(ended.id)
        else { return }
        defer { followed.remove(ended.id) }
        var last = RunContainers.Restart(ended)
        while let pause = spec.restart.pause(
            afterExit: ended.exitCode, ran: last.ran, restarts: last.count, pause: last.pause)
        {
            guard (try? await time.sleep(for: pause)) != nil else { return }
            last = Restart(count: last.count + 1, pause: pause)
            do throws(CRIError) {
                return try await inTurn(of: run) { [last] now throws(CRIError) in
                    guard now.container?.id == ended.id, isFollowed(now) else { return }
                    try await launch(spec, after: now, labels: last.labels)
                }
            } catch .notFound {
                return
            } catch {
                logger.warning(
                    "container not started again",
                    metadata: ["name": "\(run.name)", "restarts": "\(last.count)", "cause": "\(error)"])
            }
        }
    }

    /// Not while somebody ends it: then it is his to say what comes after.
    private func isFollowed(_ run: Run) -> Bool {
        guard let container = run.container, run.hasEnded, container.startedAt != 0 else { return false }
        return !run.sandbox.isStopped && !ending.holds(container.id)
    }

    fileprivate struct Restart: Sendable {
        var count: UInt32
        /// Nil before the first.
        var pause: Duration?
        var ran = Duration.zero

        init(count: UInt32, pause: Duration) {
            (self.count, self.pause) = (count, pause)
        }

        init(_ container: ContainerStatus) {
            count = container.labels[RunContainers.restartsLabel].flatMap { UInt32($0) } ?? 0
            pause = container.labels[RunContainers.pauseLabel].flatMap { UInt32($0) }.map { .milliseconds($0) }
            ran = .nanoseconds(max(0, container.finishedAt - container.startedAt))
        }

        var labels: [String: String] {
            let milliseconds = pause.map { $0 / .milliseconds(1) } ?? 0
            return [RunContainers.restartsLabel: String(count), RunContainers.pauseLabel: String(UInt32(milliseconds))]
        }
    }
}

extension RunContainers.Run {
    /// Whether its policy is to start it again.
    var isToRestart: Bool {
        guard hasEnded, !sandbox.isStopped, !sandbox.isRemovedAtEnd, let container, container.startedAt != 0 else {
            return false
        }
        let last = RunContainers.Restart(container)
        let policy = spec?.restart ?? .no
        return policy.pause(afterExit: container.exitCode, ran: last.ran, restarts: last.count, pause: last.pause)
            != nil
    }
}

/// Containers whose policies are at work.
final class FollowedContainers: Sendable {
    private let ids = Mutex<Set<String>>([])

    /// - Returns: false where it is there.
    func insert(_ id: String) -> Bool { ids.withLock { $0.insert(id).inserted } }

    func remove(_ id: String) { ids.withLock { _ = $0.remove(id) } }
}
