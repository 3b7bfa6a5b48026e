/// The members of a JSON object as flat pairs sorted by key: a quarter of a dictionary's memory for a typical pod, one canonical order
/// (so equality and encoding need no sorting), and look-up by binary search.
package struct JSONObject: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package let key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package private(set) var members: [Member]

    package init() {
        members = []
    }

    /// Later pairs win over earlier ones with the same key. O(n log n).
    package init(_ pairs: some Sequence<(String, JSONValue)>) {
        members = pairs.map { Member(key: $0.0, value: $0.1) }
        sortAndMerge()
    }

    /// Takes members in any order; of equal keys the last wins. O(n log n), O(n) where they are sorted already.
    package init(members: [Member]) {
        self.members = members
        sortAndMerge()
    }

    /// Takes members that are sorted and distinct already.
    init(sorted members: [Member]) {
        self.members = members
    }

    package var isEmpty: Bool { members.isEmpty }
    package var count: Int { members.count }
    package var keys: some Sequence<String> { members.lazy.map { $0.key } }

    /// Setting nil removes the member. O(log n) to read, O(n) to insert.
    package subscript(_ key: String) -> JSONValue? {
        get {
            let index = lowerBound(key)
            return index < members.count && members[index].key == key ? members[index].value : nil
        }
        set {
            let index = lowerBound(key)
            let found = index < members.count && members[index].key == key
            switch (found, newValue) {
            case (true, let value?): members[index].value = value
            case (true, nil): members.remove(at: index)
            case (false, let value?): members.insert(Member(key: key, value: value), at: index)
            case (false, nil): break
            }
        }
    }

    /// Changes every member in place, in the order of keys, and removes those for which `body` returns false. O(n).
    package mutating func update(_ body: (String, inout JSONValue) -> Bool) {
        var kept = 0
        for index in members.indices {
            guard body(members[index].key, &members[index].value) else { continue }
            if kept != index { members.swapAt(kept, index) }
            kept += 1
        }
        members.removeSubrange(kept...)
    }

    /// Sets all of `others`, which must be sorted by key and distinct. O(n + m).
    package mutating func merge(sorted others: [Member]) {
        var merged: [Member] = []
        merged.reserveCapacity(members.count + others.count)
        var index = 0
        for other in others {
            while index < members.count, members[index].key < other.key {
                merged.append(members[index])
                index += 1
            }
            if index < members.count, members[index].key == other.key { index += 1 }
            merged.append(other)
        }
        merged += members[index...]
        members = merged
    }

    private func lowerBound(_ key: String) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func sortAndMerge() {
        guard zip(members, members.dropFirst()).contains(where: { $0.key >= $1.key }) else { return }
        // Stable: equal keys keep their order, so the last of them can win.
        let sorted = members.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }
        members.removeAll(keepingCapacity: true)
        for (_, member) in sorted {
            if members.last?.key == member.key { members.removeLast() }
            members.append(member)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
