import Glibc
import Store
import Synchronization
import TestSupport
import Testing

/// Random operations, crashes and failures against the model. `SWIFTLET_SEED` in the environment replays one seed.
@Suite struct StoreModelTests {
    static let seeds: [UInt64] = {
        let given = getenv("SWIFTLET_SEED").flatMap { UInt64(String(cString: $0)) }
        return given.map { [$0] } ?? [1, UInt64.random(in: 3...UInt64.max)]
    }()

    @Test(arguments: seeds)
    func memoryStoreFollowsTheModel(seed: UInt64) async throws {
        print("store model, memory, seed \(seed)")
        var run = ModelRun(seed: seed, store: MemoryStore())
        try await run.run(operations: 600)
    }

    @Test(arguments: seeds)
    func sqliteStoreFollowsTheModelThroughCrashes(seed: UInt64) async throws {
        print("store model, sqlite, seed \(seed)")
        let lab = CrashLab(seed: seed)
        try await misfortunes(seed: seed, lab: lab, Misfortune.all, operations: 25)
        for misfortune in Misfortune.all {
            #expect(lab.hits[misfortune, default: 0] > 0, "\(misfortune) was never hit with seed \(seed)")
        }
        print("store model, sqlite, seed \(seed), hits: \(lab.hits.map { "\($0): \($1)" }.sorted())")
    }

    @Test(arguments: BrokenStore.Fault.allCases)
    func aBrokenStoreIsFound(fault: BrokenStore.Fault) async throws {
        var run = ModelRun(seed: 7, store: BrokenStore(fault))
        await #expect(throws: Mismatch.self) { try await run.run(operations: 3_000) }
    }

    @Test func aStoreThatDoesNotSyncIsFound() async throws {
        await #expect(throws: Mismatch.self) {
            try await misfortunes(
                seed: 7, lab: CrashLab(seed: 7, losesLog: true), [.crash(.batchAcknowledged)], operations: 40)
        }
    }

    private func misfortunes(seed: UInt64, lab: CrashLab, _ misfortunes: [Misfortune], operations: Int) async throws {
        let place = Mutex(try ScratchDirectory())
        let reopen: ModelRun.Reopen = { files in
            if let files {
                let fresh = try ScratchDirectory()
                try fresh.fill(files)
                place.withLock { $0 = fresh }
            }
            let directory = place.withLock { $0.path }
            lab.watch(directory)
            var options = SQLiteStoreOptions()
            options.compactionStep = 8
            options.reach = { try lab.reach($0) }
            return try await SQLiteStore.open(directory: directory, options: options)
        }
        var generator = SeededRandom(seed: seed)
        var run = ModelRun(seed: seed, store: try await reopen(nil), lab: lab, reopen: reopen)
        for misfortune in misfortunes.shuffled(using: &generator) {
            try await run.run(operations: operations)
            try await run.suffer(misfortune)
            if Bool.random(using: &generator) { try await run.closeAndOpen() }
        }
        await run.store.close()
    }
}
