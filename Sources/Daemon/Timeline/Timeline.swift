import APIMachinery
import APIServer
import ContainerRuntime
import Kubelet
import Linux
import Logging
import Synchronization

/// Takes the steps of every pod's way, from the API server, the kubelet and the runtime, and keeps them on disk: `swiftlet why` reads them.
///
/// Whoever records a step never waits: up to 8,192 steps wait to be written, further ones are dropped and counted in the log. A step
/// is also dropped where nobody has said whose it is: the API server or the kubelet names each pod before the runtime works for it.
final class Timeline: Sendable {
    private struct State {
        var waiting: [(uid: String, entry: TimelineEntry)] = []
        var dropped = 0
        /// The names of pods by their uid. Emptied at 8,192; what is missing is read from the directory's names.
        var pods: [String: TimelinePod] = [:]
    }

    private static let waitingLimit = 8_192
    private static let podLimit = 8_192

    private let directory: TimelineDirectory
    private let logger: Logger
    private let state = Mutex(State())
    private let threads = BlockingThreads(count: 1)
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(directory: TimelineDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Writes what is recorded, until its task is cancelled.
    func run() async {
        await perform { directory throws(KernelError) in
            try directory.make()
            try directory.prune()
        }
        for await _ in wakes { await flush() }
        await flush()
    }

    private func record(_ entry: TimelineEntry, uid: String, pod: TimelinePod?) {
        state.withLock { state in
            if let pod, state.pods[uid] == nil {
                if state.pods.count >= Self.podLimit { state.pods.removeAll() }
                state.pods[uid] = pod
            }
            if state.waiting.count < Self.waitingLimit {
                state.waiting.append((uid, entry))
            } else {
                state.dropped &+= 1
            }
        }
        wake.yield()
    }

    private func flush() async {
        let (waiting, dropped, pods) = state.withLock { state in
            defer {
                state.waiting = []
                state.dropped = 0
            }
            return (state.waiting, state.dropped, state.pods)
        }
        guard !waiting.isEmpty else { return }
        if dropped > 0 { logger.warning("timeline steps dropped", metadata: ["steps": "\(dropped)"]) }
        var byPod: [String: [TimelineEntry]] = [:]
        for step in waiting { byPod[step.uid, default: []].append(step.entry) }
        let groups = byPod
        await perform { directory throws(KernelError) in try Self.write(groups, pods, directory) }
    }

    private static func write(
        _ groups: [String: [TimelineEntry]], _ known: [String: TimelinePod], _ directory: TimelineDirectory
    ) throws(KernelError) {
        let stored = groups.keys.allSatisfy { known[$0] != nil } ? [] : try directory.pods()
        var hasNew = false
        for (uid, entries) in groups {
            guard let pod = known[uid] ?? stored.first(where: { $0.uid == uid }) else { continue }
            try directory.append(entries, to: pod)
            if entries.contains(where: { $0.step == "kubelet.seen" }) { hasNew = true }
        }
        if hasNew { try directory.prune() }
    }

    private func perform(_ body: @escaping @Sendable (TimelineDirectory) throws(KernelError) -> Void) async {
        let directory = directory
        do throws(KernelError) {
            try await threads.run("write timeline") { () throws(KernelError) in try body(directory) }
        } catch {
            logger.warning("timeline not written", metadata: ["cause": "\(error)"])
        }
    }
}

extension Timeline: StepRecorder {
    func record(_ step: RuntimeStep) {
        record(
            TimelineEntry(
                at: step.start, step: step.name, container: step.container, duration: step.duration,
                message: step.failure, isFailure: step.failure != nil),
            uid: step.podUID, pod: nil)
    }
}

extension Timeline: TimelineSink {
    func record(_ moment: TimelineMoment) {
        let message: String? =
            switch moment.step {
            case .received, .created: nil
            case .bound: "to node \(moment.detail)"
            case .unschedulable: moment.detail
            }
        record(
            TimelineEntry(at: moment.at, step: "api.\(moment.step.rawValue)", message: message), uid: moment.podUID,
            pod: TimelinePod(namespace: moment.namespace, name: moment.name, uid: moment.podUID))
    }
}

extension Timeline: PodMomentRecorder {
    func record(_ moment: PodMoment) {
        record(
            TimelineEntry(
                at: moment.at, step: moment.step, container: moment.container, duration: moment.duration,
                message: moment.message), uid: moment.uid,
            pod: TimelinePod(namespace: moment.namespace, name: moment.name, uid: moment.uid))
    }
}
