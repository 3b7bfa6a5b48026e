import APIMachinery
import JSONTree
import Store
import Synchronization

/// One running watch: what it selects, how it shows objects, when it ends.
final class Watcher: Sendable {
    let selection: Selection
    let presentation: Presentation
    let allowsBookmarks: Bool
    /// Uptime at which the watch ends.
    let deadline: Duration
    let queue: WatchQueue
    private let lastBookmark: Mutex<Duration>

    static let bookmarkInterval: Duration = .seconds(60)

    init(
        selection: Selection, presentation: Presentation, allowsBookmarks: Bool, start: Duration, deadline: Duration,
        queue: WatchQueue = WatchQueue()
    ) {
        self.selection = selection
        self.presentation = presentation
        self.allowsBookmarks = allowsBookmarks
        self.deadline = deadline
        self.queue = queue
        lastBookmark = Mutex(start)
    }

    /// Queues what this watcher is to see of the event. Returns false where the watcher is gone or was cut.
    func deliver(_ frames: inout EventFrames) -> Bool {
        guard let frame = frames.frame(for: self) else { return true }
        return queue.push(frame)
    }

    func wantsBookmark(at uptime: Duration) -> Bool {
        allowsBookmarks && lastBookmark.withLock { uptime - $0 >= Self.bookmarkInterval }
    }

    /// Does nothing where the client did not ask for bookmarks.
    func pushBookmark(_ revision: Revision, format: WireFormat, at uptime: Duration) {
        guard allowsBookmarks else { return }
        lastBookmark.withLock { $0 = uptime }
        queue.push(presentation.bookmark(revision, format: format, endsInitialEvents: false))
    }
}

/// The types of watch events.
enum WatchEventType: String, Sendable, Hashable {
    case added = "ADDED"
    case modified = "MODIFIED"
    case deleted = "DELETED"
    case bookmark = "BOOKMARK"
    case error = "ERROR"

    /// One line of a watch's body.
    func frame(_ object: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(object.count + 32)
        bytes += "{\"type\":\"\(rawValue)\",\"object\":".utf8
        bytes += object
        bytes += "}\n".utf8
        return bytes
    }
}

/// The bytes of one event, made once for each way of showing it and shared by all watchers.
struct EventFrames {
    let event: CacheEvent
    let format: WireFormat
    private var made: [Key: [UInt8]] = [:]

    private struct Key: Hashable {
        let type: WatchEventType
        let style: Presentation.Style
        let apiVersion: String?
    }

    init(event: CacheEvent, format: WireFormat) {
        self.event = event
        self.format = format
    }

    /// nil where the event does not concern the watcher. An object that enters the selection is ADDED to it, one that leaves is DELETED from it.
    mutating func frame(for watcher: Watcher) -> [UInt8]? {
        let isIn = event.kind != .deleted && watcher.selection.matches(event.object)
        let wasIn = event.previous.map(watcher.selection.matches) ?? false
        let object = event.object
        switch (wasIn, isIn) {
        case (false, true): return bytes(.added, watcher) { object }
        case (true, true): return bytes(.modified, watcher) { object }
        case (true, false):
            let (event, format) = (event, format)
            return bytes(.deleted, watcher) { Self.lastSeen(event, format) }
        case (false, false): return nil
        }
    }

    private static func lastSeen(_ event: CacheEvent, _ format: WireFormat) -> CachedObject {
        if event.kind == .deleted { return event.object }
        return event.previous.map { format.moved($0, to: event.revision) } ?? event.object
    }

    private mutating func bytes(
        _ type: WatchEventType, _ watcher: Watcher, _ object: () -> CachedObject
    ) -> [UInt8] {
        let key = Key(
            type: type, style: watcher.presentation.style, apiVersion: watcher.presentation.form?.kind.apiVersion)
        if let frame = made[key] { return frame }
        let frame = type.frame(watcher.presentation.item(object()))
        made[key] = frame
        return frame
    }
}
