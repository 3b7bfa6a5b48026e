import CRI
import Logging
import Synchronization

/// Ended containers that their restart policies start again. A policy waits without the turn, and acts only where it finds the same container as it decided on,
/// ended, and its user wants nothing else.
extension RunContainers {
    /// How often a policy has started it again since its user did, and what was waited before the last time: on each attempt.
    static let restartsLabel = "swiftlet.dev/restarts"
    static let pauseLabel = "swiftlet.dev/restart-pause"
    /// On the sandbox, where a policy could not start it again after an attempt: that one's id, the two as above with what was tried, and when the next try is
    /// due (in nanoseconds of Unix). So the next daemon goes on with it.
    static let failureLabel = "swiftlet.dev/restart-failed"

    /// Starts it again as its policy has it: until it runs, or its user wants otherwise, or the policy has enough.
    func follow(_ sandbox: String) async {
        guard let run = try? await list(sandbox: sandbox).first, let ended = run.container, isFollowed(run),
            let spec = try? spec(of: run), followed.insert(ended.id)
        else { return }
        defer { followed.remove(ended.id) }
        var last = Restart(of: run, after: ended)
        while let pause = spec.restart.pause(
            afterExit: ended.exitCode, ran: last.ran, restarts: last.count, pause: last.pause)
        {
            // The wall clock may have been set back.
            let left = last.due.map { min(pause, .nanoseconds(max(0, $0 - time.unixNanoseconds))) } ?? pause
            guard (try? await time.sleep(for: left)) != nil else { return }
            last = Restart(count: last.count + 1, pause: pause)
            do throws(CRIError) {
                return try await inTurn(of: run, within: nil) { [last] now throws(CRIError) in
                    guard now.container?.id == ended.id, isFollowed(now) else { return }
                    do throws(CRIError) {
                        try await launch(spec, after: now, labels: last.labels)
                    } catch {
                        await note(last, failedAfter: ended, of: now, spec.restart)
                        throw error
                    }
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

    /// A failure to write it down is logged: the next daemon begins anew then. Its turn is held.
    private func note(
        _ last: Restart, failedAfter ended: ContainerStatus, of run: Run, _ policy: RestartPolicy
    ) async {
        // Who is cancelled has not tried.
        guard !Task.isCancelled else { return }
        let next = policy.pause(afterExit: ended.exitCode, ran: .zero, restarts: last.count, pause: last.pause)
        let due = time.unixNanoseconds + Int64((next ?? .zero) / .nanoseconds(1))
        do throws(CRIError) {
            try await runtime.mark(sandbox: run.sandbox.id, [Self.failureLabel: last.text(after: ended, due: due)])
        } catch {
            logger.warning("failed restart not recorded", metadata: ["name": "\(run.name)", "cause": "\(error)"])
        }
        changes.tell()
    }

    /// Not while somebody ends it: then it is his to say what comes after.
    private func isFollowed(_ run: Run) -> Bool {
        guard let container = run.container, run.hasEnded, !run.isGivenUp, container.startedAt != 0 else {
            return false
        }
        return !run.sandbox.isStopped && !ending.holds(container.id)
    }

    fileprivate struct Restart: Sendable {
        var count: UInt32
        /// Nil before the first.
        var pause: Duration?
        var ran = Duration.zero
        /// Of a try after one that failed; nil: it is counted from its end.
        var due: UnixNanoseconds?

        init(count: UInt32, pause: Duration) {
            (self.count, self.pause) = (count, pause)
        }

        /// The last that was tried.
        init(of run: Run, after ended: ContainerStatus) {
            let failure = (run.sandbox.labels[RunContainers.failureLabel] ?? "").split(separator: " ")
            if failure.count == 4, failure[0] == ended.id, let count = UInt32(failure[1]),
                let pause = UInt32(failure[2]), let due = UnixNanoseconds(failure[3])
            {
                (self.count, self.pause, self.due) = (count, .milliseconds(pause), due)
                return
            }
            count = ended.labels[RunContainers.restartsLabel].flatMap { UInt32($0) } ?? 0
            pause = ended.labels[RunContainers.pauseLabel].flatMap { UInt32($0) }.map { .milliseconds($0) }
            ran = .nanoseconds(max(0, ended.finishedAt - ended.startedAt))
        }

        private var milliseconds: UInt32 { UInt32(pause.map { $0 / .milliseconds(1) } ?? 0) }

        var labels: [String: String] {
            [RunContainers.restartsLabel: String(count), RunContainers.pauseLabel: String(milliseconds)]
        }

        func text(after ended: ContainerStatus, due: UnixNanoseconds) -> String {
            "\(ended.id) \(count) \(milliseconds) \(due)"
        }
    }
}

extension RunContainers.Run {
    /// Whether its policy is to start it again.
    var isToRestart: Bool {
        guard hasEnded, !isGivenUp, !sandbox.isStopped, !sandbox.isRemovedAtEnd, let container, container.startedAt != 0
        else {
            return false
        }
        let last = RunContainers.Restart(of: self, after: container)
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
