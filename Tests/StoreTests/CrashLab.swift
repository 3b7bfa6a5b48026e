import Store
import Synchronization
import TestSupport

/// What happens to a SQLite store when its writer's thread comes to a place.
enum Misfortune: Hashable, Sendable, CustomStringConvertible {
    /// The process dies: the files stay as they are at that moment.
    case crash(StorePoint)
    /// The power goes during the commit: a part of what it wrote to the log reached the disk.
    case tornCommit
    /// The disk reports a failure there, and the process goes on.
    case failure(StorePoint)

    static let all: [Misfortune] =
        StorePoint.allCases.map { .crash($0) } + [.tornCommit]
        + [.batchInserted, .batchCommitted, .compactionDeleted, .compactionCommitted, .reopening, .opened].map {
            .failure($0)
        }

    var description: String {
        switch self {
        case .crash(let point): "crash at \(point)"
        case .tornCommit: "torn commit"
        case .failure(let point): "failure at \(point)"
        }
    }
}

extension Misfortune {
    var needsCompaction: Bool {
        switch self {
        case .crash(.compactionDeleted), .crash(.compactionCommitted), .failure(.compactionDeleted),
            .failure(.compactionCommitted):
            true
        default: false
        }
    }

    /// A place that a store comes to only after its disk failed.
    var needsFailure: Bool {
        [.crash(.reopening), .crash(.opened), .failure(.reopening), .failure(.opened)].contains(self)
    }
}

struct DiskFailure: Error {}

/// Watches one store's writer and strikes once armed.
final class CrashLab: Sendable {
    struct Crashed: Sendable {
        var files: [String: [UInt8]]
        /// How many writes of the round had been acknowledged by then.
        var acknowledged: Int
    }

    private struct State {
        var generator: SeededRandom
        var directory = ""
        var armed: Misfortune?
        /// Fails the commit, for what can only be reached by way of a failure.
        var failsNextCommit = false
        var acknowledged = 0
        var beforeCommit: [String: [UInt8]] = [:]
        var crashed: Crashed?
        var hits: [Misfortune: Int] = [:]
    }

    private let state: Mutex<State>
    private let losesLog: Bool

    /// With `losesLog` a crash loses what the log holds, as if nothing had been synced: the control of the test.
    init(seed: UInt64, losesLog: Bool = false) {
        state = Mutex(State(generator: SeededRandom(seed: seed)))
        self.losesLog = losesLog
    }

    var hits: [Misfortune: Int] { state.withLock { $0.hits } }
    var isArmed: Bool { state.withLock { $0.armed != nil } }

    func watch(_ directory: String) {
        state.withLock { $0.directory = directory }
    }

    func beginRound() {
        state.withLock { $0.acknowledged = 0 }
    }

    func arm(_ misfortune: Misfortune) {
        state.withLock {
            $0.armed = misfortune
            $0.failsNextCommit = misfortune.needsFailure
        }
    }

    func noteAcknowledged() {
        state.withLock { $0.acknowledged += 1 }
    }

    func takeCrash() -> Crashed? {
        state.withLock { state in
            defer { state.crashed = nil }
            return state.crashed
        }
    }

    /// The store's `reach` hook.
    func reach(_ point: StorePoint) throws {
        try state.withLock { state in
            guard state.crashed == nil else { return }
            if point == .batchInserted, state.armed == .tornCommit {
                state.beforeCommit = try ScratchDirectory.contents(state.directory)
            }
            try strike(at: point, &state)
            if point == .batchInserted, state.failsNextCommit {
                state.failsNextCommit = false
                throw DiskFailure()
            }
        }
    }

    private func strike(at point: StorePoint, _ state: inout State) throws {
        switch state.armed {
        case .crash(point):
            state.crashed = Crashed(
                files: try ScratchDirectory.contents(state.directory), acknowledged: state.acknowledged)
            if losesLog { state.crashed?.files["state.db-wal"] = [] }
            hit(.crash(point), &state)
        case .tornCommit where point == .batchCommitted:
            try tear(&state)
        case .failure(point):
            hit(.failure(point), &state)
            throw DiskFailure()
        default: break
        }
    }

    /// Keeps a random part of the bytes that the commit put into the log.
    private func tear(_ state: inout State) throws {
        var files = try ScratchDirectory.contents(state.directory)
        // A commit that also moved the log into the database file is no commit alone.
        guard files["state.db"] == state.beforeCommit["state.db"] else { return }
        let old = state.beforeCommit["state.db-wal"] ?? []
        let new = files["state.db-wal"] ?? []
        let changed = new.indices.filter { $0 >= old.count || old[$0] != new[$0] }
        guard let first = changed.first, let last = changed.last else { return }
        let cut = Int.random(in: first...last, using: &state.generator)
        files["state.db-wal"] = Array(new[..<cut]) + (cut < old.count ? Array(old[cut...]) : [])
        files["state.db-shm"] = nil
        state.crashed = Crashed(files: files, acknowledged: state.acknowledged)
        hit(.tornCommit, &state)
    }

    private func hit(_ misfortune: Misfortune, _ state: inout State) {
        state.hits[misfortune, default: 0] += 1
        state.armed = nil
    }
}
