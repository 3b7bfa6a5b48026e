import Synchronization

@testable import Store

/// What survives the end of a control plane: the records that were synced, and what was acknowledged meanwhile, to be held against them.
final class SimulatedDisk: Sendable {
    private struct State {
        var records: [LogRecord] = []
        var latest = LatestState()
        var acknowledged: [Revision: String] = [:]
        var compacted: Revision = 0
        var lastChange = Duration.zero
    }

    private let state = Mutex(State())
    private let world: World

    init(world: World) {
        self.world = world
    }

    var records: [LogRecord] { state.withLock { $0.records } }
    var latest: LatestState { state.withLock { $0.latest } }
    var compacted: Revision { state.withLock { $0.compacted } }
    /// When anything but a sign of life or an event was last written.
    var lastChange: Duration { state.withLock { $0.lastChange } }

    func append(_ new: [LogRecord]) {
        let isOrdered = state.withLock { state in
            var last = state.latest.revision
            for record in new {
                guard record.revision == last + 1 else { return false }
                last = record.revision
                state.latest.apply(record)
                state.records.append(record)
                if !record.key.hasPrefix("/registry/coordination.k8s.io/")
                    && !record.key.hasPrefix("/registry/core/events")
                    && !record.key.hasPrefix("/registry/core/nodes/")
                {
                    state.lastChange = world.time.uptime()
                }
            }
            return true
        }
        if !isOrdered { world.fault("revisions do not grow by one: \(new.map(\.revision))") }
    }

    /// A writer was told that its write is durable.
    func acknowledge(_ revision: Revision, _ key: String) {
        state.withLock { $0.acknowledged[revision] = key }
    }

    /// The store is opened again: all that was acknowledged must be there.
    func check() {
        let (lost, last) = state.withLock { state in
            let last = state.latest.revision
            defer { state.acknowledged = [:] }
            return (state.acknowledged.filter { $0.key > last }.sorted { $0.key < $1.key }, last)
        }
        for (revision, key) in lost {
            world.fault("acknowledged write \(revision) of \(key) is lost; the disk ends at \(last)")
        }
    }

    func compact(to revision: Revision) { state.withLock { $0.compacted = max($0.compacted, revision) } }

    /// The last value of a key that is deleted.
    func lastDeletion(of key: String) -> LogRecord? {
        state.withLock { $0.records.last { $0.key == key && $0.kind == .deleted } }
    }
}
