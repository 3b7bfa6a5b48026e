import Store
import Synchronization

/// A store with a fault, for the control of the model test: each fault must be found.
final class BrokenStore: KeyValueStore {
    enum Fault: CaseIterable, Sendable {
        case losesWrite, ignoresExpectation, listsNewest, getsNewest, dropsEvent, repeatsEvent, miscounts
        case readsCompacted, createsOver
    }

    private let fault: Fault
    private let base = MemoryStore()
    private let writes = Mutex(0)

    init(_ fault: Fault) {
        self.fault = fault
    }

    func revision() async throws(StoreError) -> Revision { try await base.revision() }

    func get(_ key: String, at revision: Revision?) async throws(StoreError) -> StoredValue? {
        try await base.get(key, at: fault == .getsNewest ? nil : try await lenient(revision))
    }

    func list(prefix: String, at revision: Revision?, from start: String?, limit: Int) async throws(StoreError)
        -> StorePage
    {
        let asked = fault == .listsNewest ? nil : try await lenient(revision)
        var page = try await base.list(prefix: prefix, at: asked, from: start, limit: limit)
        page.revision = revision ?? page.revision
        if fault == .miscounts { page.remaining = min(page.remaining, 10) }
        return page
    }

    func write(_ write: Write) async throws(StoreError) -> Revision {
        let count = writes.withLock { count in
            count += 1
            return count
        }
        switch (fault, write) {
        case (.losesWrite, _) where count % 50 == 0: return try await base.revision() + 1
        case (.ignoresExpectation, .update(let key, let bytes, _)):
            guard let current = try await base.get(key, at: nil) else { return try await base.write(write) }
            return try await base.write(.update(key: key, bytes: bytes, expecting: current.modRevision))
        case (.createsOver, .create(let key, let bytes)):
            guard let current = try await base.get(key, at: nil) else { return try await base.write(write) }
            return try await base.write(.update(key: key, bytes: bytes, expecting: current.modRevision))
        default: return try await base.write(write)
        }
    }

    func watch(prefix: String, after revision: Revision) async throws(StoreError) -> any StoreWatch {
        let watch = try await base.watch(prefix: prefix, after: try await lenient(revision) ?? revision)
        return BrokenWatch(base: watch, fault: fault)
    }

    func compact(to revision: Revision) async throws(StoreError) { try await base.compact(to: revision) }

    func close() async { await base.close() }

    private func lenient(_ revision: Revision?) async throws(StoreError) -> Revision? {
        guard fault == .readsCompacted, let revision, revision < (try await base.revision()) else { return revision }
        do throws(StoreError) {
            _ = try await base.get("", at: revision)
            return revision
        } catch {
            return nil
        }
    }
}

final class BrokenWatch: StoreWatch {
    private let base: any StoreWatch
    private let fault: BrokenStore.Fault

    init(base: any StoreWatch, fault: BrokenStore.Fault) {
        self.base = base
        self.fault = fault
    }

    func next() async throws(StoreError) -> [StoreEvent]? {
        guard var events = try await base.next() else { return nil }
        if fault == .dropsEvent, events.count > 2 { events.remove(at: 1) }
        if fault == .repeatsEvent, let first = events.first { events.insert(first, at: 0) }
        return events
    }

    func cancel() { base.cancel() }
}
