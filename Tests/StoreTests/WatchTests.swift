import Store
import Testing

@Suite struct WatchTests {
    @Test func aWatcherThatFallsBehindIsEnded() async throws {
        let store = MemoryStore(watchLimit: 3)
        let watch = try await store.watch(prefix: "/", after: 0)
        for number in 0..<3 { _ = try await store.write(.create(key: "/\(number)", bytes: [])) }
        #expect(try await watch.next()?.count == 3)
        for number in 3..<7 { _ = try await store.write(.create(key: "/\(number)", bytes: [])) }
        await #expect(throws: StoreError.overrun) { try await watch.next() }
        await #expect(throws: StoreError.overrun) { try await watch.next() }
    }

    @Test func aClosedStoreDeliversWhatItHadAndEnds() async throws {
        let store = MemoryStore()
        let watch = try await store.watch(prefix: "/", after: 0)
        let late = try await store.watch(prefix: "/", after: 0)
        _ = try await store.write(.create(key: "/a", bytes: [1]))
        #expect(try await late.next()?.count == 1)
        await store.close()
        #expect(try await watch.next()?.map(\.key) == ["/a"])
        #expect(try await watch.next() == nil)
        #expect(try await late.next() == nil)
        await #expect(throws: StoreError.closed) { try await store.write(.create(key: "/b", bytes: [])) }
    }

    @Test func cancellingEndsAWaitingWatcher() async throws {
        let store = MemoryStore()
        let watch = try await store.watch(prefix: "/", after: 0)
        let waiting = Task { try await watch.next() }
        waiting.cancel()
        await #expect(throws: StoreError.cancelled) { try await waiting.value }
        let other = try await store.watch(prefix: "/", after: 0)
        other.cancel()
        await #expect(throws: StoreError.cancelled) { try await other.next() }
    }

    @Test func watchersSeeOnlyTheirPrefixInOrder() async throws {
        let store = MemoryStore()
        let created = try await store.write(.create(key: "/pods/a", bytes: [1]))
        _ = try await store.write(.create(key: "/nodes/a", bytes: [2]))
        let watch = try await store.watch(prefix: "/pods/", after: 0)
        #expect(try await watch.next()?.map(\.revision) == [created])
        let deleted = try await store.write(.delete(key: "/pods/a", expecting: created))
        let events = try await watch.next()
        #expect(
            events == [
                StoreEvent(kind: .deleted, revision: deleted, key: "/pods/a", bytes: [], previousBytes: [1])
            ])
    }
}
