import APIMachinery
import Logging
import Synchronization

/// A local copy of the objects of one kind, kept up to date by list and watch while `run` runs, with the changes told
/// to subscribers.
///
/// The copy is as large as what the selectors let through. Reads give the newest state received, which may be older
/// than the server's.
package final class Informer<Object: APIObject>: Sendable {
    private struct State {
        var cache: ObjectCache<Object>
        var subscribers: [InformerSubscription<Object>] = []
        var synced = false
        var version: UInt64 = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter = 0
    }

    private let client: APIClient
    private let namespace: String?
    private let selection: ListOptions
    private let trim: (@Sendable (inout Object) -> Void)?
    private let time: any TimeSource
    private let random: RandomSource
    private let log: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - namespace: nil for all.
    ///   - selection: the selectors; the rest of it is ignored.
    ///   - trim: drops from each object what no reader of this copy needs, before it is kept.
    ///   - indices: for each index the values that an object is found under, see `list(index:_:)`.
    package init(
        _ type: Object.Type = Object.self, client: APIClient, in namespace: String? = nil,
        selection: ListOptions = ListOptions(), trim: (@Sendable (inout Object) -> Void)? = nil,
        indices: [String: @Sendable (Object) -> [String]] = [:],
        time: any TimeSource = SystemTime(), random: RandomSource = RandomSource(),
        log: Logger = Logger(label: "swiftlet.informer")
    ) {
        self.client = client
        self.namespace = namespace
        self.selection = selection
        self.trim = trim
        self.time = time
        self.random = random
        self.log = log
        state = Mutex(State(cache: ObjectCache(indices: indices)))
    }

    // MARK: Reading

    package func get(_ name: String, in namespace: String = "") -> Object? {
        get(ObjectKey(namespace: namespace, name: name))
    }

    package func get(_ key: ObjectKey) -> Object? {
        state.withLock { $0.cache.objects[key] }
    }

    /// In key order; nil: of all namespaces. O(n log n).
    package func list(in namespace: String? = nil) -> [Object] {
        let cache = state.withLock { $0.cache }
        return cache.list(in: namespace)
    }

    /// The objects for which the index gives this value, in key order.
    package func list(index: String, _ value: String) -> [Object] {
        let cache = state.withLock { $0.cache }
        return cache.list(index: index, value)
    }

    package var count: Int { state.withLock { $0.cache.objects.count } }

    /// The newest version that the copy reflects: of its list, of the last change or of a bookmark. Whoever wrote an object sees by this
    /// whether the copy knows of it yet. Read it before the objects.
    package var version: UInt64 { state.withLock { $0.version } }

    /// Whether the first list was received whole.
    package var hasSynced: Bool { state.withLock { $0.synced } }

    /// Returns once the first list was received whole; false where the task was cancelled before.
    package func waitUntilSynced() async -> Bool {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    if state.synced || Task.isCancelled {
                        continuation.resume(returning: state.synced)
                    } else {
                        state.waiters[id] = continuation
                    }
                }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
        }
    }

    /// The objects that are there now as added, `synced` once that is known to be all, then every change.
    package func subscribe() -> InformerSubscription<Object> {
        let subscription = InformerSubscription<Object>()
        state.withLock { state in
            subscription.change { queue in
                for object in state.cache.list(in: nil) { queue.note(ObjectKey(object), before: nil, after: object) }
                if state.synced { queue.noteSynced() }
            }
            state.subscribers.append(subscription)
        }
        return subscription
    }

    // MARK: Running

    /// Keeps the copy up to date until the task is cancelled. Failures are logged and tried again. One call at a time.
    package func run() async {
        var reflector = ReflectorState(selection: selection)
        var listed: [Object] = []
        while !Task.isCancelled {
            if reflector.pause > .zero {
                guard (try? await time.sleep(for: reflector.pause)) != nil else { return }
            }
            do throws(Status) {
                switch reflector.step(fraction: random.fraction()) {
                case .list(let options):
                    if reflector.isAtListStart { listed = [] }
                    let page = try await client.list(Object.self, in: namespace, options: options)
                    listed += trim == nil ? page.items : page.items.map(trimmed)
                    if reflector.listed(page.metadata) {
                        replace(listed, at: page.metadata.resourceVersion)
                        listed = []
                    }
                case .watch(let options):
                    try await watch(options, &reflector)
                }
            } catch {
                guard !Task.isCancelled else { return }
                reflector.failed(error, fraction: random.fraction())
                log.debug(
                    "list or watch failed",
                    metadata: [
                        "kind": "\(Object.kind.kind)", "error": "\(error.message)", "pause": "\(reflector.pause)",
                    ])
            }
        }
    }

    private func watch(_ options: ListOptions, _ reflector: inout ReflectorState) async throws(Status) {
        let begun = time.uptime()
        let stream = try await client.watch(Object.self, in: namespace, options: options)
        defer { stream.cancel() }
        var events = stream.makeAsyncIterator()
        while let event = try await Self.next(&events) {
            switch event {
            case .added(let object), .modified(let object):
                let kept = trimmed(object)
                apply(at: object.metadata.resourceVersion) { $0.set(kept).map { [$0] } ?? [] }
                reflector.saw(version: object.metadata.resourceVersion)
            case .deleted(let object):
                apply(at: object.metadata.resourceVersion) { $0.remove(ObjectKey(object)).map { [$0] } ?? [] }
                reflector.saw(version: object.metadata.resourceVersion)
            case .bookmark(let version):
                apply(at: version) { _ in [] }
                reflector.saw(version: version)
            case .failed(let status): throw status
            }
        }
        reflector.watchEnded(after: time.uptime() - begun, fraction: random.fraction())
    }

    private static func next(_ events: inout WatchStream<Object>.Iterator) async throws(Status) -> WatchEvent<Object>? {
        do {
            return try await events.next()
        } catch let status as Status {
            throw status
        } catch {
            throw .serviceUnavailable("the watch of \(Object.kind.plural) broke off: \(error)")
        }
    }

    private func trimmed(_ object: Object) -> Object {
        guard let trim else { return object }
        var object = object
        trim(&object)
        return object
    }

    private func replace(_ listed: [Object], at version: String) {
        let waiters = state.withLock { state in
            let first = !state.synced
            state.synced = true
            state.version = UInt64(version) ?? state.version
            let changes = state.cache.replace(listed)
            Self.tell(&state, changes, synced: first)
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
    }

    private func apply(
        at version: String, _ body: (inout ObjectCache<Object>) -> [ObjectCache<Object>.Change]
    ) {
        state.withLock { state in
            let changes = body(&state.cache)
            state.version = max(state.version, UInt64(version) ?? 0)
            Self.tell(&state, changes, synced: false)
        }
    }

    private static func tell(_ state: inout State, _ changes: [ObjectCache<Object>.Change], synced: Bool) {
        guard !changes.isEmpty || synced else { return }
        state.subscribers.removeAll { $0.hasEnded }
        for subscription in state.subscribers {
            subscription.change { queue in
                for change in changes { queue.note(change.key, before: change.before, after: change.after) }
                if synced { queue.noteSynced() }
            }
        }
    }
}
