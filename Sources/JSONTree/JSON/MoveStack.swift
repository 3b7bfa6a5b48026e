/// A stack whose top part can be moved out into an array of exactly its size. Grows with what is pushed; the parser's depth and size limits
/// bound it.
struct MoveStack<Element>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 16)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(_ index: Int) -> Element {
        _read {
            precondition(index >= 0 && index < count)
            yield base[index]
        }
        _modify {
            precondition(index >= 0 && index < count)
            yield &base[index]
        }
    }

    mutating func push(_ element: consuming Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count += 1
    }

    /// Moves what lies at and above `index` one up.
    mutating func insert(_ element: consuming Element, at index: Int) {
        precondition(index >= 0 && index <= count)
        if count == capacity { grow() }
        (base + index + 1).moveInitialize(from: base + index, count: count - index)
        (base + index).initialize(to: element)
        count += 1
    }

    /// Removes what lies at and above `start`, as an array.
    mutating func take(from start: Int) -> [Element] {
        precondition(start >= 0 && start <= count)
        // Not by unsafeUninitializedCapacity: it is not specialised, and costs three times as much.
        var elements: [Element] = []
        elements.reserveCapacity(count - start)
        for index in start..<count { elements.append((base + index).move()) }
        count = start
        return elements
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }
}
