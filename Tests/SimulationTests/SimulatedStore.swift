import Synchronization

@testable import Store

/// A store over a simulated disk: writes that arrive together are decided as one batch, synced, published, then acknowledged. It shares batches, live state,
/// history and watches with the other backends; the disk, its slowness and its crashes are the simulation's.
final class SimulatedStore: KeyValueStore {
    private typealias Answer = Result<Revision, StoreError>

    private struct State {
        var pending: [(write: Write, continuation: CheckedContinuation<Answer, Never>)] = []
        var isCommitting = false
        var isDead = false
    }

    private let world: World
    private let disk: SimulatedDisk
    private let delay: @Sendable () -> Duration
    private let live: LiveState
    private let history = MemoryHistory()
    private let reader: StateReader
    private let state = Mutex(State())

    /// - Parameter delay: how long the next sync takes.
    init(world: World, disk: SimulatedDisk, watchLimit: Int, delay: @escaping @Sendable () -> Duration) {
        self.world = world
        self.disk = disk
        self.delay = delay
        disk.check()
        var latest = disk.latest
        latest.compacted = disk.compacted
        live = LiveState(latest)
        history.append(disk.records)
        reader = StateReader(live: live, history: history, watchLimit: watchLimit)
    }

    /// The process ends: what is not on the disk is lost.
    func die() {
        let pending = state.withLock { state in
            state.isDead = true
            defer { state.pending = [] }
            return state.pending
        }
        for item in pending { item.continuation.resume(returning: .failure(.closed)) }
        live.close()
    }

    func write(_ write: Write) async throws(StoreError) -> Revision {
        let answer: Answer = await withCheckedContinuation { continuation in
            let (isDead, starts) = state.withLock { state in
                guard !state.isDead else { return (true, false) }
                state.pending.append((write, continuation))
                defer { state.isCommitting = true }
                return (false, !state.isCommitting)
            }
            if isDead { continuation.resume(returning: .failure(.closed)) }
            if starts { world.spawn { await self.commit() } }
        }
        return try answer.get()
    }

    private func commit() async {
        while true {
            await world.pause(delay())
            let group = state.withLock { state in
                defer { state.pending = [] }
                state.isCommitting = !state.pending.isEmpty && !state.isDead
                return state.pending
            }
            guard !group.isEmpty, let latest = try? live.latest() else {
                for item in group { item.continuation.resume(returning: .failure(.closed)) }
                return
            }
            var batch = WriteBatch(on: latest)
            let answers = group.map { item in
                Answer { () throws(StoreError) in try batch.decide(item.write) }
            }
            disk.append(batch.records)
            await world.pause(delay())
            finish(batch.records, answers, group)
        }
    }

    /// What is synced is published and acknowledged, unless the process ended in between: then nobody learns of it.
    private func finish(
        _ records: [LogRecord], _ answers: [Answer],
        _ group: [(write: Write, continuation: CheckedContinuation<Answer, Never>)]
    ) {
        guard !state.withLock({ $0.isDead }) else {
            for item in group { item.continuation.resume(returning: .failure(.closed)) }
            return
        }
        history.append(records)
        live.publish(records)
        for (item, answer) in zip(group, answers) {
            if case .success(let revision) = answer { disk.acknowledge(revision, item.write.key) }
            item.continuation.resume(returning: answer)
        }
    }

    func revision() async throws(StoreError) -> Revision { try live.latest().revision }

    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        try await reader.get(key, at: revision)
    }

    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        try await reader.list(prefix: prefix, at: revision, from: start, limit: limit)
    }

    func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        try reader.watch(prefix: prefix, after: revision)
    }

    func compact(to revision: Revision) async throws(StoreError) {
        let latest = try live.latest()
        guard revision <= latest.revision, revision > latest.compacted else { return }
        live.setCompacted(revision)
        history.compact(to: revision)
        disk.compact(to: revision)
    }

    func close() async { live.close() }
}

extension Write {
    var key: String {
        switch self {
        case .create(let key, _), .update(let key, _, _), .delete(let key, _): key
        }
    }
}
