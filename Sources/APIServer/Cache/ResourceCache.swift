import APIMachinery
import JSONTree
import Store
import Synchronization

/// The current objects of one resource, its newest events and its watchers. Fed by `CacheFeed` alone, in revision order.
final class ResourceCache: Sendable {
    struct State {
        var table = ObjectTable()
        var ring = EventRing(floor: 0)
        var watchers: [UInt64: Watcher] = [:]
        var nextID: UInt64 = 0
        /// The newest revision that changed this resource, or the one it was loaded at.
        var revision: Revision = 0
    }

    let format: WireFormat
    let state = Mutex(State())

    init(format: WireFormat) {
        self.format = format
    }

    // MARK: Reading

    subscript(_ key: String) -> CachedObject? {
        state.withLock { $0.table[key] }
    }

    /// The objects of a namespace (nil: all) in key order, and the revision they are the state of. `applied` is what the feed had applied before
    /// this call: no event of this resource up to it is missing here.
    func snapshot(namespace: String?, applied: Revision) -> (objects: ArraySlice<CachedObject>, revision: Revision) {
        state.withLock { ($0.table.slice(namespace: namespace), max(applied, $0.revision)) }
    }

    // MARK: Feeding

    /// Replaces everything; running watches end, because what they missed is not known.
    func load(_ objects: [CachedObject], at revision: Revision) {
        let watchers = state.withLock { state in
            state.table = ObjectTable(objects)
            state.ring = EventRing(floor: revision)
            state.revision = revision
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.queue.finish() }
    }

    /// Takes one event and hands it to the watchers it concerns. An object that cannot be read is left out.
    func apply(_ event: StoreEvent, key: String) {
        let object =
            event.kind == .deleted ? nil : format.cached(key: key, stored: event.bytes, revision: event.revision)
        state.withLock { state in
            state.revision = event.revision
            let change: CacheEvent
            if let object {
                let previous = state.table.set(object)
                change = CacheEvent(
                    kind: previous == nil ? .added : .modified, revision: event.revision, object: object,
                    previous: previous)
            } else {
                guard let previous = state.table.remove(key) else { return }
                change = CacheEvent(
                    kind: .deleted, revision: event.revision, object: format.moved(previous, to: event.revision),
                    previous: previous)
            }
            state.ring.append(change)
            var frames = EventFrames(event: change, format: format)
            for (id, watcher) in state.watchers where !watcher.deliver(&frames) {
                state.watchers[id] = nil
            }
        }
    }

    /// Has readers see an unsaved state until the object's next event, where the present one is still what it was made from. Watchers are told
    /// nothing.
    func show(_ object: CachedObject) {
        state.withLock { state in
            guard state.table[object.key]?.revision == object.revision else { return }
            _ = state.table.set(object)
        }
    }

    // MARK: Watching

    /// Events that a new watcher gets first.
    enum Backlog: Sendable {
        case objects(ArraySlice<CachedObject>)
        case events(ArraySlice<CacheEvent>)
    }

    /// Watchers of one resource at a time.
    static let maxWatchers = 10_000

    struct Beginning: Sendable {
        let backlog: Backlog
        let revision: Revision
        let id: UInt64
    }

    /// Registers a watcher. With `after` it gets every event after that revision, from the ring and then live; without, the present objects
    /// first. Throws 410 where the events after `after` are gone, 429 where there are too many watchers.
    func watch(_ watcher: Watcher, after revision: Revision?, applied: Revision) throws(Status) -> Beginning {
        let result: Result<Beginning, Status> = state.withLock { state in
            guard state.watchers.count < Self.maxWatchers else {
                return .failure(.tooManyRequests("too many watches of this resource", retryAfterSeconds: 5))
            }
            let backlog: Backlog
            if let revision {
                guard let events = state.ring.events(after: revision) else {
                    return .failure(.expired("too old resource version: \(revision) (\(state.ring.floor))"))
                }
                backlog = .events(events)
            } else {
                backlog = .objects(state.table.slice(namespace: watcher.selection.namespace))
            }
            let id = state.nextID
            state.nextID &+= 1
            state.watchers[id] = watcher
            return .success(Beginning(backlog: backlog, revision: max(applied, state.revision), id: id))
        }
        return try result.get()
    }

    func unwatch(_ id: UInt64) {
        state.withLock { $0.watchers[id] = nil }
    }

    /// Ends the watches that are due and sends bookmarks where one is. Called about once a second.
    func tick(uptime: Duration, applied: Revision) {
        state.withLock { state in
            let revision = max(applied, state.revision)
            for (id, watcher) in state.watchers {
                let isDue = uptime >= watcher.deadline
                if isDue || watcher.wantsBookmark(at: uptime) {
                    watcher.pushBookmark(revision, format: format, at: uptime)
                }
                if isDue || watcher.queue.isEnded {
                    watcher.queue.finish()
                    state.watchers[id] = nil
                }
            }
        }
    }

    /// Ends every watch.
    func finish() {
        let watchers = state.withLock { state in
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.queue.finish() }
    }
}

extension WireFormat {
    /// What the cache keeps of a stored object, nil where its bytes are not an object.
    func cached(key: String, stored: [UInt8], revision: Revision) -> CachedObject? {
        guard let tree = try? JSONValue(parsing: stored), case .object(let object) = tree else { return nil }
        return cached(key: key, stored: stored, tree: object, revision: revision)
    }

    func cached(key: String, stored: [UInt8], tree: JSONObject, revision: Revision) -> CachedObject {
        CachedObject(
            key: key, revision: revision, wire: wire(stored: stored, revision: revision),
            labels: tree[metadata: "labels"]?.object,
            fields: selectableFields.map { $0.text(in: tree) })
    }

    /// The object as a deletion shows it: its last state, at the revision of the deletion.
    func moved(_ object: CachedObject, to revision: Revision) -> CachedObject {
        CachedObject(
            key: object.key, revision: revision, wire: wire(object, revision: revision), labels: object.labels,
            fields: object.fields)
    }
}
