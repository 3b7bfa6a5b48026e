import APIMachinery
import Client
import KubernetesAPI
import Logging
import Synchronization

/// Keeps the node from running out of memory, disk or processes: looks every ten seconds, or when the kernel raises an alarm, and carries out what
/// `EvictionMachine` decides.
struct Evictor: Sendable {
    /// How long an evicted pod may take before the next is looked for.
    static let patience = Duration.seconds(30)

    let settings: EvictionSettings
    let node: String
    let meter: any EvictionMeter
    let directory: PodDirectory
    let recorder: EventRecorder
    /// Tells of the node's pressure, which has changed.
    let turn: @Sendable (Set<NodePressure>) async -> Void
    let time: any TimeSource
    let logger: Logger

    /// Returns when its task is cancelled.
    func run() async {
        let looks = WorkQueue<Int>(time: time)
        await withDiscardingTaskGroup { group in
            if let alarms = meter.alarms() {
                group.addTask { for await _ in alarms { looks.add(0) } }
            } else {
                logger.info("the kernel gives no alarm for memory that runs short: it is looked at every ten seconds")
            }
            var machine = EvictionMachine(settings)
            looks.add(0)
            while let look = await looks.next() {
                let pause = await self.look(&machine)
                looks.add(look, after: pause)
                looks.done(look)
            }
            group.cancelAll()
        }
    }

    /// One look and all that follows from it.
    /// - Returns: how long to rest.
    func look(_ machine: inout EvictionMachine) async -> Duration {
        let isWatched = directory.pods.contains { $0.hasStorageLimit }
        var event = EvictionEvent.looked(await meter.signals(), hasStorageLimits: isWatched)
        while !Task.isCancelled {
            for action in machine.step(event, at: time.uptime()) {
                switch action {
                case .turn(let pressures): await tell(pressures)
                case .announce(let resource):
                    logger.warning("the node is short of a resource", metadata: ["resource": "\(resource)"])
                    record(.warning, "EvictionThresholdMet", "Attempting to reclaim \(resource)")
                case .giveUp(let resource):
                    logger.warning("no pod is left to be evicted", metadata: ["resource": "\(resource)"])
                case .reclaim:
                    await meter.reclaim(directory.pods)
                    event = .reclaimed(await meter.signals())
                case .measure(let files):
                    event = .measured(await meter.usage(of: directory.pods, files: files))
                case .evict(let evictions):
                    await evict(evictions)
                    event = .evicted
                case .rest(let pause): return pause
                }
            }
        }
        return .zero
    }

    private func tell(_ pressures: Set<NodePressure>) async {
        let names = pressures.map(\.rawValue).sorted().joined(separator: ", ")
        logger.info("the node's pressure has changed", metadata: ["conditions": "\(names.isEmpty ? "none" : names)"])
        directory.admit(under: pressures)
        await turn(pressures)
    }

    private func evict(_ evictions: [Eviction]) async {
        for eviction in evictions {
            logger.warning(
                "evicting a pod", metadata: ["pod": "\(eviction.name)", "why": "\(eviction.termination.message)"])
        }
        let (directory, time) = (directory, time)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { ends in
                    for eviction in evictions {
                        ends.addTask { await directory.terminate([eviction.uid], eviction.termination) }
                    }
                }
            }
            group.addTask { try? await time.sleep(for: Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// An event of the node. Its uid is its name there, as kubectl looks for it.
    private func record(_ type: EventType, _ reason: String, _ message: String) {
        recorder.record(EventDraft(.node(node), type, reason: reason, message: message))
    }
}

extension ObjectReference {
    /// The node as events name it: by its name for its uid, which is what kubectl looks for.
    static func node(_ name: String) -> ObjectReference {
        ObjectReference {
            $0.kind = "Node"
            $0.apiVersion = "v1"
            $0.name = name
            $0.uid = name
        }
    }
}

/// What the node is short of, as its status says it.
final class NodePressures: Sendable {
    private let state = Mutex<Set<NodePressure>>([])

    var current: Set<NodePressure> { state.withLock { $0 } }

    /// Returns what differs from before.
    func set(_ pressures: Set<NodePressure>) -> Set<NodePressure> {
        state.withLock { state in
            defer { state = pressures }
            return state.symmetricDifference(pressures)
        }
    }
}
