/// Which keys wait, which are being worked on, which come back later. Pure.
///
/// Bounded by the number of different keys: a key that waits already is not added again, and one that is added while
/// it is worked on waits until that is done, so no key is worked on twice at once.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    enum Taken: Sendable, Equatable {
        case key(Key)
        /// Nothing yet; at this uptime a delayed key is due.
        case nothing(due: Duration?)
        case closed
    }

    private struct Delayed: Sendable {
        var due: Duration
        var order: Int
        var key: Key
    }

    private struct Failures: Sendable {
        var count = 0
        /// Until then the key is not handed out.
        var heldUntil = Duration.zero
    }

    private var ready: [Key] = []
    private var head = 0
    /// Waits in `ready`, or will when its processing is done.
    private var dirty: Set<Key> = []
    private var processing: Set<Key> = []
    /// A binary heap by (due, order). An entry counts only while `dueTimes` names it.
    private var heap: [Delayed] = []
    private var dueTimes: [Key: Duration] = [:]
    private var nextOrder = 0
    private var failures: [Key: Failures] = [:]
    private var closed = false

    /// Keys that wait now.
    var count: Int { ready.count - head }

    /// A key that failed last waits out its hold.
    mutating func add(_ key: Key) {
        if let failure = failures[key] { return add(key, due: failure.heldUntil) }
        enqueue(key)
    }

    private mutating func enqueue(_ key: Key) {
        guard !closed, dirty.insert(key).inserted, !processing.contains(key) else { return }
        ready.append(key)
    }

    /// A key that is delayed already comes at the earlier of both times.
    mutating func add(_ key: Key, due: Duration) {
        guard !closed, dueTimes[key].map({ due < $0 }) ?? true else { return }
        dueTimes[key] = due
        nextOrder += 1
        push(Delayed(due: due, order: nextOrder, key: key))
    }

    /// The key's work failed: it comes back after `delay`, and through no `add` before `hold` is over.
    mutating func fail(_ key: Key, now: Duration, delay: Duration, hold: Duration) {
        failures[key, default: Failures()].count += 1
        failures[key]?.heldUntil = now + hold
        add(key, due: now + delay)
    }

    mutating func forget(_ key: Key) {
        failures[key] = nil
    }

    func failures(_ key: Key) -> Int { failures[key]?.count ?? 0 }

    mutating func take(now: Duration) -> Taken {
        while let first = heap.first, first.due <= now || dueTimes[first.key] != first.due {
            _ = pop()
            guard dueTimes[first.key] == first.due else { continue }
            dueTimes[first.key] = nil
            // Added while the work that failed was still being done.
            if let held = failures[first.key]?.heldUntil, held > now {
                add(first.key, due: held)
            } else {
                enqueue(first.key)
            }
        }
        guard head < ready.count else { return closed ? .closed : .nothing(due: heap.first?.due) }
        let key = ready[head]
        head += 1
        if head >= 64, head * 2 >= ready.count {
            ready.removeFirst(head)
            head = 0
        }
        dirty.remove(key)
        processing.insert(key)
        return .key(key)
    }

    mutating func done(_ key: Key) {
        processing.remove(key)
        guard dirty.contains(key) else { return }
        if !closed, let failure = failures[key] {
            dirty.remove(key)
            add(key, due: failure.heldUntil)
        } else {
            ready.append(key)
        }
    }

    /// What waits is still handed out; nothing is added any more.
    mutating func close() {
        closed = true
        heap = []
        dueTimes = [:]
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].due, heap[left].order) < (heap[right].due, heap[right].order)
    }

    private mutating func push(_ delayed: Delayed) {
        heap.append(delayed)
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() -> Delayed? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let top = heap.removeLast()
        var parent = 0
        while true {
            let left = parent * 2 + 1
            guard left < heap.count else { return top }
            let child = left + 1 < heap.count && precedes(left + 1, left) ? left + 1 : left
            guard precedes(child, parent) else { return top }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
