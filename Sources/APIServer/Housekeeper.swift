import APIMachinery
import JSONTree
import KubernetesAPI
import Store

/// What the server does by itself: ends waits and watches that are due and sends bookmarks, once a second; takes old events away,
/// puts back what every cluster has where someone deleted it, and forgets the store's history after five to ten minutes, which is how long a page token or a watch can be resumed.
struct Housekeeper: Sendable {
    let registry: ObjectRegistry
    let configuration: APIServerConfiguration
    let seeds: NamespaceSeeds

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await endWaits() }
            group.addTask { await write() }
        }
    }

    /// Goes on while a disk that stalls holds up the rest.
    private func endWaits() async {
        while (try? await registry.time.sleep(for: .seconds(1))) != nil {
            let (uptime, applied) = (registry.time.uptime(), registry.feed.applied.current)
            registry.feed.applied.expire(uptime: uptime)
            registry.pending.expire(uptime: uptime)
            for resource in registry.resources.all { resource.cache.tick(uptime: uptime, applied: applied) }
        }
    }

    private func write() async {
        var rounds = 0
        var settled: Revision?
        while (try? await registry.time.sleep(for: .seconds(10))) != nil {
            rounds += 1
            await Bootstrap(registry: registry, configuration: configuration).run()
            if rounds % 6 == 0 {
                await removeOldEvents()
                await seeds.plantEverywhere()
            }
            if rounds % 30 == 0 { settled = await forgetHistory(before: settled) }
        }
    }

    /// Compacts the store to what was newest at the last call; returns what is newest now.
    private func forgetHistory(before revision: Revision?) async -> Revision? {
        do throws(StoreError) {
            if let revision { try await registry.store.compact(to: revision) }
            return try await registry.store.revision()
        } catch {
            registry.logger.warning("the store's history was not compacted", metadata: ["cause": "\(error)"])
            return revision
        }
    }

    /// How many events one round takes away at most, and how many at a time; the next round goes on.
    private static let eventsPerRound = 10_000
    private static let eventsAtOnce = 64

    /// Takes away events that have not changed for their lifetime.
    func removeOldEvents() async {
        guard let events = registry.resources[Event.kind] else { return }
        let oldest = registry.time.now() - configuration.limits.eventLifetime
        let (all, _) = events.cache.snapshot(namespace: nil, applied: 0)
        let old = all.filter { EventAge.lastSeen($0.tree) < oldest }.prefix(Self.eventsPerRound)
        let writes = old.map { Write.delete(key: events.prefix + $0.key, expecting: $0.revision) }
        let store = registry.store
        let share = max(1, (writes.count + Self.eventsAtOnce - 1) / Self.eventsAtOnce)
        await withDiscardingTaskGroup { group in
            for start in stride(from: 0, to: writes.count, by: share) {
                let batch = Array(writes[start..<min(start + share, writes.count)])
                group.addTask { for write in batch { _ = try? await store.write(write) } }
            }
        }
    }
}

/// When an event last happened.
enum EventAge {
    static func lastSeen(_ event: JSONObject) -> Timestamp {
        let texts = [
            event["series"]?["lastObservedTime"], event["lastTimestamp"], event["eventTime"],
            event[metadata: "creationTimestamp"],
        ]
        return texts.lazy.compactMap { $0.flatMap(Timestamp.init(json:)) }.max() ?? .epoch
    }
}
