import Glibc
import Store
import Synchronization
import TestSupport
import Testing

@Suite struct SQLiteStoreTests {
    @Test func aSecondProcessIsKeptOut() async throws {
        let place = try ScratchDirectory()
        let first = try await SQLiteStore.open(directory: place.path)
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(directory: place.path) }
        guard case .io(let operation, let message) = error else {
            Issue.record("unexpected error \(String(describing: error))")
            return
        }
        #expect(operation == "lock \(place.path)/lock")
        #expect(message.contains("process \(getpid())"))
        await first.close()
        await (try await SQLiteStore.open(directory: place.path)).close()
    }

    @Test func aDamagedFileIsNamedWithTheWayOut() async throws {
        let place = try ScratchDirectory()
        let store = try await SQLiteStore.open(directory: place.path)
        for number in 0..<200 {
            _ = try await store.write(.create(key: "/\(number)", bytes: Array(repeating: 1, count: 500)))
        }
        await store.close()
        var bytes = try ScratchDirectory.read(place.path + "/state.db")
        for index in stride(from: 4_096 * 2, to: bytes.count, by: 7) { bytes[index] = 0xA5 }
        try ScratchDirectory.write(bytes, to: place.path + "/state.db")
        try await expectIncompatible(place.path, "damaged")
    }

    @Test func aFileOfSomethingElseIsLeftAlone() async throws {
        let place = try ScratchDirectory()
        let text = Array("this is no database, whatever its name says; it has to stay as it is".utf8)
        let padded = text + [UInt8](repeating: 0x20, count: 4_096)
        try ScratchDirectory.write(padded, to: place.path + "/state.db")
        try await expectIncompatible(place.path, "damaged")
        #expect(try ScratchDirectory.read(place.path + "/state.db") == padded)
    }

    @Test(arguments: [(60, "format"), (68, "not a Swiftlet store")])
    func aFileOfAnotherVersionIsRefused(offset: Int, text: String) async throws {
        let place = try ScratchDirectory()
        await (try await SQLiteStore.open(directory: place.path)).close()
        var bytes = try ScratchDirectory.read(place.path + "/state.db")
        bytes[offset] = 0x63
        try ScratchDirectory.write(bytes, to: place.path + "/state.db")
        try await expectIncompatible(place.path, text)
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() async throws {
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(directory: "/dev/null/store") }
        #expect(error == .io(operation: "make directory /dev/null/store", message: "Not a directory"))
    }

    @Test func valuesAreTheOwnersAlone() async throws {
        let place = try ScratchDirectory()
        let store = try await SQLiteStore.open(directory: place.path + "/sub")
        _ = try await store.write(.create(key: "/secret", bytes: [1]))
        for name in ["state.db", "state.db-wal", "lock"] {
            var status = stat()
            let code = stat(place.path + "/sub/" + name, &status)
            #expect(code == 0)
            #expect(status.st_mode & 0o077 == 0, "\(name) is readable by others")
        }
        await store.close()
        for name in try ScratchDirectory.names(place.path + "/sub") { unlink(place.path + "/sub/" + name) }
        rmdir(place.path + "/sub")
    }

    @Test func writesThatArriveTogetherShareACommit() async throws {
        let place = try ScratchDirectory()
        let gate = CommitGate()
        var options = SQLiteStoreOptions()
        options.reach = { gate.pass($0) }
        let store = try await SQLiteStore.open(directory: place.path, options: options)
        let before = gate.commits
        gate.hold()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<65 {
                group.addTask { _ = try? await store.write(.create(key: "/\(number)", bytes: [1])) }
            }
            try await gate.releaseOnceHeld()
        }
        #expect(try await store.revision() == 65)
        #expect(gate.commits - before < 65)
        await store.close()
    }

    @Test func aFullQueueRefusesAndLosesNothing() async throws {
        let place = try ScratchDirectory()
        let gate = CommitGate()
        var options = SQLiteStoreOptions()
        options.pendingWrites = 4
        options.reach = { gate.pass($0) }
        let store = try await SQLiteStore.open(directory: place.path, options: options)
        gate.hold()
        let results = try await withThrowingTaskGroup(of: Result<Revision, StoreError>.self) { group in
            for number in 0..<40 {
                group.addTask { await ModelRun.attempt(.create(key: "/\(number)", bytes: [1]), on: store) }
            }
            var results: [Result<Revision, StoreError>] = []
            for try await result in group {
                results.append(result)
                if case .failure(.busy) = result { try await gate.releaseOnceHeld() }
            }
            return results
        }
        let done = results.filter { if case .success = $0 { true } else { false } }.count
        #expect(done < 40)
        #expect(try await store.list(prefix: "/", at: nil, from: nil, limit: 0).values.count == done)
        await store.close()
    }

    /// A full disk: writes fail with the cause, reads and a running watch go on, nothing is opened again, and the end needs no help.
    @Test(arguments: [DiskRefusal.full, .readOnly]) func aRefusedWriteChangesNothing(_ refusal: DiskRefusal)
        async throws
    {
        let place = try ScratchDirectory()
        let isRefusing = Mutex(false)
        let reopened = Mutex(0)
        var options = SQLiteStoreOptions()
        options.reach = { point in
            if point == .reopening { reopened.withLock { $0 += 1 } }
            guard point == .batchInserted, isRefusing.withLock({ $0 }) else { return }
            throw StoreError.refused(refusal, directory: place.path)
        }
        let store = try await SQLiteStore.open(directory: place.path, options: options)
        let first = try await store.write(.create(key: "/a", bytes: [1]))
        let watch = try await store.watch(prefix: "/", after: first)
        isRefusing.withLock { $0 = true }
        for _ in 0..<3 {
            await #expect(throws: StoreError.refused(refusal, directory: place.path)) {
                try await store.write(.create(key: "/b", bytes: [2]))
            }
        }
        #expect(try await store.revision() == first)
        #expect(try await store.get("/b", at: nil) == nil)
        isRefusing.withLock { $0 = false }
        #expect(try await store.write(.create(key: "/b", bytes: [3])) == first + 1)
        #expect(try await watch.next()?.map(\.bytes) == [[3]])
        #expect(reopened.withLock { $0 } == 0)
        await store.close()
    }

    /// What an open file takes there, and a sync that says that all is well, are not believed.
    @Test func aReadOnlyFileSystemHasNothingDurable() async throws {
        let place = try ScratchDirectory()
        let isReadOnly = Mutex(false)
        let turnsIn = Mutex(false)
        let reopened = Mutex(0)
        var options = SQLiteStoreOptions()
        options.isReadOnly = { _ in isReadOnly.withLock { $0 } }
        options.reach = { point in
            if point == .reopening { reopened.withLock { $0 += 1 } }
            if point == .batchInserted, turnsIn.withLock({ $0 }) { isReadOnly.withLock { $0 = true } }
        }
        let store = try await SQLiteStore.open(directory: place.path, options: options)
        let first = try await store.write(.create(key: "/a", bytes: [1]))
        isReadOnly.withLock { $0 = true }
        let refusal = StoreError.refused(.readOnly, directory: place.path)
        await #expect(throws: refusal) { try await store.write(.create(key: "/b", bytes: [2])) }
        #expect(try await store.get("/b", at: nil) == nil)
        #expect(reopened.withLock { $0 } == 0)
        isReadOnly.withLock { $0 = false }
        turnsIn.withLock { $0 = true }
        let error = await #expect(throws: StoreError.self) {
            try await store.write(.update(key: "/a", bytes: [3], expecting: first))
        }
        guard case .io = error else { throw error ?? .closed }
        // The file is looked at anew: what it holds is what counts.
        #expect(reopened.withLock { $0 } == 1)
        #expect(try await store.get("/a", at: nil)?.bytes == [3])
        turnsIn.withLock { $0 = false }
        isReadOnly.withLock { $0 = false }
        _ = try await store.write(.create(key: "/b", bytes: [2]))
        await store.close()
    }

    @Test func compactionShrinksTheFile() async throws {
        let place = try ScratchDirectory()
        let store = try await SQLiteStore.open(directory: place.path)
        var last: Revision = try await store.write(.create(key: "/a", bytes: []))
        for _ in 0..<1_000 {
            last = try await store.write(
                .update(key: "/a", bytes: Array(repeating: 7, count: 8_000), expecting: last))
        }
        try await store.compact(to: last)
        await store.close()
        let size = try ScratchDirectory.read(place.path + "/state.db").count
        #expect(size < 2 << 20, "\(size) bytes for one value of 8,000")
        let again = try await SQLiteStore.open(directory: place.path)
        #expect(try await again.revision() == last)
        #expect(try await again.get("/a", at: nil)?.createRevision == 1)
        await again.close()
    }

    @Test func aCompactedDeletionDoesNotTurnTheRevisionBack() async throws {
        let place = try ScratchDirectory()
        let store = try await SQLiteStore.open(directory: place.path)
        let created = try await store.write(.create(key: "/a", bytes: [1]))
        let deleted = try await store.write(.delete(key: "/a", expecting: created))
        try await store.compact(to: deleted)
        await store.close()
        let again = try await SQLiteStore.open(directory: place.path)
        #expect(try await again.write(.create(key: "/a", bytes: [2])) == deleted + 1)
        await again.close()
    }

    private func expectIncompatible(_ directory: String, _ text: String) async throws {
        let error = await #expect(throws: StoreError.self) { try await SQLiteStore.open(directory: directory) }
        guard case .incompatible(let message) = error else {
            Issue.record("unexpected error \(String(describing: error))")
            return
        }
        #expect(message.contains(directory))
        #expect(message.contains(text), "\(message)")
    }
}

/// Holds the writer's thread at a commit until it is let go.
final class CommitGate: Sendable {
    private struct State {
        var holding = false
        var held = false
        var commits = 0
    }

    private let state = Mutex(State())

    var commits: Int { state.withLock { $0.commits } }

    func hold() {
        state.withLock { $0.holding = true }
    }

    /// Lets the thread go, once it stands at the gate. The tasks whose writes bring it there may need the thread that this one runs on.
    func releaseOnceHeld() async throws {
        defer { state.withLock { $0.holding = false } }
        try await until { state.withLock { !$0.holding || $0.held } }
    }

    func pass(_ point: StorePoint) {
        guard point == .batchInserted else { return }
        state.withLock {
            $0.commits += 1
            $0.held = $0.holding
        }
        while state.withLock({ $0.holding }) { sched_yield() }
    }
}
