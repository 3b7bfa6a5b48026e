import Store
import TestSupport

/// Random operations against a store and the model side by side.
///
/// A write whose outcome is open (the store failed, or the process died before it was told) may be found done or not
/// done afterwards; everything acknowledged must be there, and nothing else.
struct ModelRun {
    /// Makes the store anew over the files that a crash left; nil: over its own, after a close.
    typealias Reopen = @Sendable ([String: [UInt8]]?) async throws -> any KeyValueStore

    var store: any KeyValueStore
    var model = StoreModel()
    var generator: SeededRandom
    var watch: (any StoreWatch)?
    var watchPrefix = ""
    var watchSeen: Revision = 0
    var counter = 0
    let lab: CrashLab?
    let reopen: Reopen?

    init(seed: UInt64, store: any KeyValueStore, lab: CrashLab? = nil, reopen: Reopen? = nil) {
        generator = SeededRandom(seed: seed)
        self.store = store
        self.lab = lab
        self.reopen = reopen
    }

    mutating func run(operations: Int) async throws {
        for _ in 0..<operations { try await step() }
        try await verify()
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<62: try await write(randomWrite())
        case 62..<70: try await burst()
        case 70..<80: try await checkList()
        case 80..<88: try await checkGet()
        case 88..<96: try await checkWatch()
        case 96..<98: try await checkErrors()
        default: try await compact()
        }
    }

    // MARK: Writes

    mutating func write(_ write: Write) async throws {
        let expected = model.outcome(write)
        switch (await Self.attempt(write, on: store), expected) {
        case (.success(let revision), .success(let event)) where revision == event.revision: model.append(event)
        case (.failure(let error), .failure(let other)) where error == other: break
        case (let result, _): throw Mismatch("\(write) gave \(result), expected \(expected)")
        }
    }

    /// Concurrent writes: what succeeded must make one history, in the order of the revisions.
    mutating func burst() async throws {
        try absorb(await attemptMany())
    }

    mutating func attemptMany() async -> [(Write, Result<Revision, StoreError>)] {
        let writes = (0..<Int.random(in: 2...12, using: &generator)).map { _ in randomWrite() }
        let store = store
        let lab = lab
        return await withTaskGroup(of: (Write, Result<Revision, StoreError>).self) { group in
            for write in writes {
                group.addTask {
                    let result = await Self.attempt(write, on: store)
                    if case .success = result { lab?.noteAcknowledged() }
                    return (write, result)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    mutating func absorb(_ results: [(Write, Result<Revision, StoreError>)]) throws {
        var done: [(Revision, Write)] = []
        for (write, result) in results {
            switch result {
            case .success(let revision): done.append((revision, write))
            case .failure(.exists), .failure(.conflict): break
            case .failure(let error): throw Mismatch("\(write) failed with \(error)")
            }
        }
        for (revision, write) in done.sorted(by: { $0.0 < $1.0 }) {
            guard case .success(let event) = model.outcome(write), event.revision == revision else {
                throw Mismatch("\(write) got revision \(revision), expected \(model.outcome(write))")
            }
            model.append(event)
        }
        try checkRefusals(results)
    }

    /// A refused write must name a state that its key once had.
    private func checkRefusals(_ results: [(Write, Result<Revision, StoreError>)]) throws {
        for (write, result) in results {
            let known: Revision? =
                switch result {
                case .failure(.exists(_, let revision)): revision
                case .failure(.conflict(_, let revision)): revision
                default: nil
                }
            guard let known else { continue }
            guard known <= model.revision, model.events[Int(known) - 1].key == write.key else {
                throw Mismatch("\(write) was refused for revision \(known), which is not one of its key")
            }
        }
    }

    static func attempt(_ write: Write, on store: any KeyValueStore) async -> Result<Revision, StoreError> {
        do throws(StoreError) {
            return .success(try await store.write(write))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Random parts

    mutating func randomWrite() -> Write {
        let key = randomKey()
        let current = model.newest[Array(key.utf8)]?.modRevision
        let wrong = Int.random(in: 0..<10, using: &generator) == 0
        let expected = wrong ? Revision.random(in: 0...(model.revision + 1), using: &generator) : current
        guard let expected, wrong || Int.random(in: 0..<8, using: &generator) > 0 else {
            return .create(key: key, bytes: randomBytes())
        }
        return Int.random(in: 0..<3, using: &generator) == 0
            ? .delete(key: key, expecting: expected) : .update(key: key, bytes: randomBytes(), expecting: expected)
    }

    /// Few keys that are written often, many that make the index grow, and spellings that only bytes tell apart.
    mutating func randomKey() -> String {
        let kind = ["pods", "pods2", "services"].randomElement(using: &generator) ?? "pods"
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5: return "/registry/\(kind)/a/\(Int.random(in: 0..<8, using: &generator))"
        case 5: return "/registry/pods/a/\(Bool.random(using: &generator) ? "caf\u{E9}" : "cafe\u{301}")"
        default: return "/registry/\(kind)/b/\(Int.random(in: 0..<200, using: &generator))"
        }
    }

    mutating func randomPrefix() -> String {
        let all = ["", "/registry/", "/registry/pods", "/registry/pods/", "/registry/pods/a/", "/registry/x/"]
        return all.randomElement(using: &generator) ?? ""
    }

    /// Nil, or a revision that can be read.
    mutating func randomRevision() -> Revision? {
        guard Int.random(in: 0..<3, using: &generator) > 0 else { return nil }
        return Revision.random(in: model.compacted...model.revision, using: &generator)
    }

    mutating func randomBytes() -> [UInt8] {
        counter += 1
        let size = Int.random(in: 0..<10, using: &generator) == 0 ? 6_000 : 200
        return Array("value \(counter) ".utf8)
            + [UInt8](repeating: UInt8(counter & 0xFF), count: Int.random(in: 0..<size, using: &generator))
    }
}
