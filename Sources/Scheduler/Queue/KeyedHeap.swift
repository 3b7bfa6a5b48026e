/// Names by a key, the smallest first. A name may stand in it more than once: whoever takes one knows whether it still counts.
struct KeyedHeap<Key: Comparable & Sendable>: Sendable {
    private var items: [(key: Key, name: String)] = []

    var count: Int { items.count }

    var first: (key: Key, name: String)? { items.first }

    mutating func push(_ key: Key, _ name: String) {
        items.append((key, name))
        var child = items.count - 1
        while child > 0, items[child].key < items[(child - 1) / 2].key {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (key: Key, name: String)? {
        guard let first = items.first else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        sink(0)
        return first
    }

    /// Drops all others. O(n).
    mutating func keep(_ counts: (Key, String) -> Bool) {
        items.removeAll { !counts($0.key, $0.name) }
        for parent in (0..<items.count / 2).reversed() { sink(parent) }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [parent * 2 + 1, parent * 2 + 2] where child < items.count {
                if items[child].key < items[least].key { least = child }
            }
            guard least != parent else { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
