import APIMachinery

/// The objects of one kind as last seen, by key and by what the indices say. Pure.
struct ObjectCache<Object: APIObject>: Sendable {
    /// The index values of an object.
    typealias Index = @Sendable (Object) -> [String]

    struct Change: Sendable {
        var key: ObjectKey
        var before: Object?
        var after: Object?
    }

    private let indices: [String: Index]
    private(set) var objects: [ObjectKey: Object] = [:]
    private var namespaces: [String: Set<ObjectKey>] = [:]
    private var found: [String: [String: Set<ObjectKey>]] = [:]

    init(indices: [String: Index]) {
        self.indices = indices
    }

    /// In key order, so that what is made from it does not depend on hashing. O(n log n).
    func list(in namespace: String?) -> [Object] {
        guard let namespace else { return sorted(objects.keys) }
        return sorted(namespaces[namespace] ?? [])
    }

    /// In key order. Empty for an index that was not declared.
    func list(index: String, _ value: String) -> [Object] {
        sorted(found[index]?[value] ?? [])
    }

    /// Nil where nothing changed.
    mutating func set(_ object: Object) -> Change? {
        let key = ObjectKey(object)
        let before = objects[key]
        if let before {
            guard before.metadata.resourceVersion != object.metadata.resourceVersion || before != object else {
                return nil
            }
            unindex(key, before)
        }
        objects[key] = object
        index(key, object)
        return Change(key: key, before: before, after: object)
    }

    mutating func remove(_ key: ObjectKey) -> Change? {
        guard let before = objects.removeValue(forKey: key) else { return nil }
        unindex(key, before)
        return Change(key: key, before: before, after: nil)
    }

    /// Takes over a whole list: what is not in it is gone. First comes what is gone, then what has changed, then what is new and may need the place of
    /// those; each in key order.
    mutating func replace(_ listed: [Object]) -> [Change] {
        let keys = Set(listed.map { ObjectKey($0) })
        let gone = objects.keys.filter { !keys.contains($0) }
        var changes = gone.compactMap { remove($0) }
        for object in listed {
            if let change = set(object) { changes.append(change) }
        }
        func rank(_ change: Change) -> Int { change.after == nil ? 0 : change.before == nil ? 2 : 1 }
        return changes.sorted { (rank($0), $0.key) < (rank($1), $1.key) }
    }

    private func sorted(_ keys: some Sequence<ObjectKey>) -> [Object] {
        keys.sorted().compactMap { objects[$0] }
    }

    private mutating func index(_ key: ObjectKey, _ object: Object) {
        namespaces[key.namespace, default: []].insert(key)
        for (name, values) in indices {
            for value in values(object) { found[name, default: [:]][value, default: []].insert(key) }
        }
    }

    private mutating func unindex(_ key: ObjectKey, _ object: Object) {
        namespaces[key.namespace]?.remove(key)
        if namespaces[key.namespace]?.isEmpty == true { namespaces[key.namespace] = nil }
        for (name, values) in indices {
            for value in values(object) {
                found[name]?[value]?.remove(key)
                if found[name]?[value]?.isEmpty == true { found[name]?[value] = nil }
            }
        }
    }
}
