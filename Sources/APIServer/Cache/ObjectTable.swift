/// The objects of a resource in key order. A copy is a snapshot: it costs nothing until the next change.
/// Look-up is O(log n); an insertion or removal moves eight bytes for every object behind it.
struct ObjectTable: Sendable {
    private(set) var objects: [CachedObject]

    /// Takes objects in any order, with distinct keys.
    init(_ objects: [CachedObject] = []) {
        let isSorted = !zip(objects, objects.dropFirst()).contains { $0.key >= $1.key }
        self.objects = isSorted ? objects : objects.sorted { $0.key < $1.key }
    }

    subscript(_ key: String) -> CachedObject? {
        let index = lowerBound(key)
        return index < objects.count && objects[index].key == key ? objects[index] : nil
    }

    /// Returns what was there before.
    @discardableResult
    mutating func set(_ object: CachedObject) -> CachedObject? {
        let index = lowerBound(object.key)
        guard index < objects.count, objects[index].key == object.key else {
            objects.insert(object, at: index)
            return nil
        }
        let previous = objects[index]
        objects[index] = object
        return previous
    }

    @discardableResult
    mutating func remove(_ key: String) -> CachedObject? {
        let index = lowerBound(key)
        guard index < objects.count, objects[index].key == key else { return nil }
        return objects.remove(at: index)
    }

    /// The objects of a namespace, or all.
    func slice(namespace: String?) -> ArraySlice<CachedObject> {
        guard let namespace else { return objects[...] }
        // "0" is the character after "/".
        return objects[lowerBound(namespace + "/")..<lowerBound(namespace + "0")]
    }

    private func lowerBound(_ key: String) -> Int {
        var low = 0
        var high = objects.count
        while low < high {
            let middle = (low + high) / 2
            if objects[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
