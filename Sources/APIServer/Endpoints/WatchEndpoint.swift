import APIMachinery
import HTTP
import JSONTree
import Store
import Synchronization

/// GET with `watch=true`.
struct WatchEndpoint: Sendable {
    let registry: ObjectRegistry

    /// How long a watch lasts that names no timeout: between half an hour and an hour, so that they do not all come back together.
    static let defaultTimeout: ClosedRange<Int64> = 1800...3600
    static let maximumTimeout: Int64 = 24 * 3600

    func watch(_ request: ResourceRequest, _ options: ListOptions) async throws(Status) -> HTTPResponse {
        let resource = request.resource
        let time = registry.time
        let selection = try Selection(options, request)
        let presentation = try request.presentation(time)
        var after: Revision?
        if case .at(let revision) = options.resourceVersion {
            try await ReadEndpoint(registry: registry).waitUntilFresh(revision)
            if options.sendsInitialEvents != true { after = revision }
        }
        let start = time.uptime()
        let seconds =
            options.timeoutSeconds.flatMap { $0 > 0 ? min($0, Self.maximumTimeout) : nil }
            ?? registry.random.number(in: Self.defaultTimeout)
        let watcher = Watcher(
            selection: selection, presentation: presentation, allowsBookmarks: options.allowsBookmarks, start: start,
            deadline: start + .seconds(seconds))
        if options.sendsInitialEvents == false, after == nil { after = registry.feed.applied.current }
        let applied = registry.feed.applied.current
        let begun = try resource.cache.watch(watcher, after: after, applied: applied)
        let session = WatchSession(
            watcher: watcher, resource: resource, id: begun.id, backlog: begun.backlog, revision: begun.revision,
            endsInitialEvents: options.sendsInitialEvents == true && options.allowsBookmarks)
        let stream = ByteStream(next: { await session.next() }, cancel: { session.cancel() })
        return HTTPResponse(200, headers: ["Content-Type": "application/json"], body: .stream(stream.endless))
    }
}

/// What one watcher reads: first what was there, then what comes. Letting go of it ends the watch.
final class WatchSession: Sendable {
    private let watcher: Watcher
    private let resource: Resource
    private let id: UInt64
    private let backlog: Mutex<BacklogReader>

    init(
        watcher: Watcher, resource: Resource, id: UInt64, backlog: ResourceCache.Backlog, revision: Revision,
        endsInitialEvents: Bool
    ) {
        self.watcher = watcher
        self.resource = resource
        self.id = id
        let bookmark =
            endsInitialEvents
            ? watcher.presentation.bookmark(revision, format: resource.format, endsInitialEvents: true) : nil
        self.backlog = Mutex(BacklogReader(backlog: backlog, bookmark: bookmark))
    }

    deinit {
        resource.cache.unwatch(id)
    }

    func next() async -> [UInt8]? {
        let chunk = backlog.withLock { $0.next(watcher, resource.format) }
        if let chunk { return chunk }
        return await watcher.queue.next()
    }

    func cancel() {
        resource.cache.unwatch(id)
        watcher.queue.finish()
    }
}

/// Turns what a watcher gets first into chunks of frames, a piece at a time, so that a large backlog is never in memory as a whole.
struct BacklogReader: Sendable {
    private var backlog: ResourceCache.Backlog
    private var bookmark: [UInt8]?
    private static let chunk = 64 << 10

    init(backlog: ResourceCache.Backlog, bookmark: [UInt8]?) {
        self.backlog = backlog
        self.bookmark = bookmark
    }

    /// nil when all is read.
    mutating func next(_ watcher: Watcher, _ format: WireFormat) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < Self.chunk, let frame = nextFrame(watcher, format) { bytes += frame }
        return bytes.isEmpty ? nil : bytes
    }

    private mutating func nextFrame(_ watcher: Watcher, _ format: WireFormat) -> [UInt8]? {
        switch backlog {
        case .objects(var objects):
            while let object = objects.popFirst() {
                guard watcher.selection.matches(object) else { continue }
                backlog = .objects(objects)
                return WatchEventType.added.frame(watcher.presentation.item(object))
            }
        case .events(var events):
            while let event = events.popFirst() {
                var frames = EventFrames(event: event, format: format)
                guard let frame = frames.frame(for: watcher) else { continue }
                backlog = .events(events)
                return frame
            }
        }
        backlog = .objects([])
        defer { bookmark = nil }
        return bookmark
    }
}
