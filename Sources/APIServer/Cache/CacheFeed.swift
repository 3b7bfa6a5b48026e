import APIMachinery
import Logging
import Store
import Synchronization

/// Follows the store and applies every event to the cache of its resource, in revision order. One feed for all resources, so that one revision says how
/// far they all are.
///
/// Where the store cuts the watch (overrun, compaction) everything is listed anew and running watches end.
final class CacheFeed: Sendable {
    /// All keys of ours start with this.
    static let root = "/registry/"

    private let store: any KeyValueStore
    /// By key prefix: `/registry/core/pods/`.
    private let caches: [String: ResourceCache]
    private let time: any TimeSource
    private let logger: Logger
    private let executor: (any TaskExecutor)?
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let isFollowing = Mutex(false)
    let applied = AppliedRevision()

    init(
        store: any KeyValueStore, caches: [String: ResourceCache], time: any TimeSource, executor: (any TaskExecutor)?,
        logger: Logger
    ) {
        self.store = store
        self.caches = caches
        self.time = time
        self.executor = executor
        self.logger = logger
    }

    /// Whether the caches follow the store at this moment.
    var isCurrent: Bool { isFollowing.withLock { $0 } }

    /// Returns when the caches are filled; from then on they follow the store until `stop`.
    func start() async throws(StoreError) {
        let watch = try await fill()
        isFollowing.withLock { $0 = true }
        task.withLock { $0 = Task(executorPreference: executor) { await self.run(watch) } }
    }

    func stop() async {
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
        await running?.value
        for cache in caches.values { cache.finish() }
    }

    private func run(_ first: any StoreWatch) async {
        var watch: (any StoreWatch)? = first
        while !Task.isCancelled {
            do throws(StoreError) {
                let running = if let watch { watch } else { try await fill() }
                watch = nil
                isFollowing.withLock { $0 = true }
                guard try await follow(running) else { break }
            } catch {
                isFollowing.withLock { $0 = false }
                guard error != .closed, error != .cancelled, !Task.isCancelled else { break }
                logger.warning("listing the store anew", metadata: ["cause": "\(error)"])
                if error != .overrun { try? await time.sleep(for: .seconds(1)) }
            }
        }
        isFollowing.withLock { $0 = false }
    }

    /// Returns false when the store is closed.
    private func follow(_ watch: any StoreWatch) async throws(StoreError) -> Bool {
        while let events = try await watch.next() {
            if Task.isCancelled {
                watch.cancel()
                return false
            }
            for event in events {
                let (prefix, key) = Self.split(event.key)
                if let cache = caches[prefix] { cache.apply(event, key: key) }
                applied.advance(to: event.revision)
            }
        }
        return false
    }

    /// Loads every cache as of one revision and watches from there.
    private func fill() async throws(StoreError) -> any StoreWatch {
        let revision = try await store.revision()
        for (prefix, cache) in caches {
            let objects = try await load(prefix, cache.format, at: revision)
            cache.load(objects, at: revision)
        }
        let watch = try await store.watch(prefix: Self.root, after: revision)
        applied.advance(to: revision)
        return watch
    }

    private func load(_ prefix: String, _ format: WireFormat, at revision: Revision) async throws(StoreError)
        -> [CachedObject]
    {
        var objects: [CachedObject] = []
        var start: String?
        repeat {
            let page = try await store.list(prefix: prefix, at: revision, from: start, limit: 1000)
            for value in page.values {
                let key = String(value.key.dropFirst(prefix.count))
                if let object = format.cached(key: key, stored: value.bytes, revision: value.modRevision) {
                    objects.append(object)
                } else {
                    logger.error("left out an object that cannot be read", metadata: ["key": "\(value.key)"])
                }
            }
            start = page.next
        } while start != nil
        return objects
    }

    /// `/registry/core/pods/default/web` is `/registry/core/pods/` and `default/web`.
    static func split(_ key: String) -> (prefix: String, key: String) {
        let bytes = key.utf8
        var slashes = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "/") {
            slashes += 1
            guard slashes == 4 else { continue }
            let after = bytes.index(after: index)
            return (String(key[..<after]), String(key[after...]))
        }
        return ("", key)
    }

    static func prefix(group: String, resource: String) -> String {
        "\(root)\(group.isEmpty ? "core" : group)/\(resource)/"
    }
}
