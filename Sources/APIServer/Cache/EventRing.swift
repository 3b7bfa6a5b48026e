import Store

/// The newest events of a resource, from which a watch resumes. Bounded by count and by bytes; what falls out raises `floor`, and a watch from below the
/// floor is told that its revision has expired.
struct EventRing {
    /// Every event after this revision is here.
    private(set) var floor: Revision
    private var events: [CacheEvent] = []
    private var start = 0
    private var bytes = 0
    private let maxCount: Int
    private let maxBytes: Int

    init(floor: Revision, maxCount: Int = 4096, maxBytes: Int = 8 << 20) {
        self.floor = floor
        self.maxCount = max(1, maxCount)
        self.maxBytes = maxBytes
    }

    var count: Int { events.count - start }

    mutating func append(_ event: CacheEvent) {
        events.append(event)
        bytes += event.size
        while count > maxCount || (bytes > maxBytes && count > 1) { removeFirst() }
    }

    /// The events after `revision`, oldest first; nil where some of them are gone. O(log n) to find.
    func events(after revision: Revision) -> ArraySlice<CacheEvent>? {
        guard revision >= floor else { return nil }
        var low = start
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return events[low...]
    }

    private mutating func removeFirst() {
        floor = events[start].revision
        bytes -= events[start].size
        start += 1
        // Dead slots go in batches of half the array: amortised O(1).
        guard start * 2 > events.count else { return }
        events.removeFirst(start)
        start = 0
    }
}

/// One change of one object.
final class CacheEvent: Sendable {
    enum Kind: Sendable { case added, modified, deleted }

    let kind: Kind
    let revision: Revision
    /// The state after the change; for a deletion the last state, with the deletion's revision.
    let object: CachedObject
    /// The state before the change, nil for an addition.
    let previous: CachedObject?

    init(kind: Kind, revision: Revision, object: CachedObject, previous: CachedObject?) {
        self.kind = kind
        self.revision = revision
        self.object = object
        self.previous = previous
    }

    var size: Int { object.wire.count + 256 }
}
