import JSONTree

extension FieldTree {
    /// The fields that a value sets: its leaves, and the items of its lists. An empty object is a leaf; a list whose items have owners of their own sets
    /// nothing where it is empty. (structured-merge-diff: typed/tofieldset.go)
    init(of value: JSONValue, at place: Granularity) {
        let areItems = place.container(value) != .members
        guard let parts = place.parts(of: value), areItems || !parts.isEmpty else {
            self = .leaf
            return
        }
        self.init()
        for part in parts {
            var child = FieldTree(of: part.value, at: part.place)
            if areItems { child.isMember = true }
            put(child, at: part.element)
        }
    }

    /// Nothing where it is empty: a node without anything is stored as one that is in the set.
    fileprivate mutating func put(_ child: FieldTree, at element: String) {
        if !child.isEmpty { children[element] = child }
    }
}

/// What changed between two values, as sets of fields.
struct FieldComparison {
    private(set) var added = FieldTree.empty
    private(set) var modified = FieldTree.empty
    private(set) var removed = FieldTree.empty

    var changed: FieldTree { added.union(modified) }

    init(from old: JSONValue, to new: JSONValue, at place: Granularity) {
        guard old != new else { return }
        let oldParts = place.parts(of: old)
        let newParts = place.parts(of: new)
        guard let oldParts, let newParts, !oldParts.isEmpty || !newParts.isEmpty else {
            modified = .leaf
            removed.children = oldParts == nil ? [:] : FieldTree(of: old, at: place).children
            added.children = newParts == nil ? [:] : FieldTree(of: new, at: place).children
            return
        }
        let before = Dictionary(oldParts.map { ($0.element, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(newParts.map { ($0.element, $0) }, uniquingKeysWith: { first, _ in first })
        let areItems = place.container(new) != .members
        for part in newParts {
            if let old = before[part.element] {
                descend(part.element, .init(from: old.value, to: part.value, at: part.place))
            } else {
                added.put(Self.whole(part, isItem: areItems), at: part.element)
            }
        }
        for part in oldParts where after[part.element] == nil {
            var gone = Self.whole(part, isItem: areItems)
            gone.isMember = true
            removed.children[part.element] = gone
        }
    }

    /// All of a part that came or went. Items of lists, and maps, are facts of their own.
    private static func whole(_ part: Granularity.Part, isItem: Bool) -> FieldTree {
        var tree = FieldTree(of: part.value, at: part.place)
        if isItem || part.place.isMap { tree.isMember = true }
        return tree
    }

    private mutating func descend(_ element: String, _ below: FieldComparison) {
        added.put(below.added, at: element)
        modified.put(below.modified, at: element)
        removed.put(below.removed, at: element)
    }
}

extension JSONValue {
    /// The value with an applied one merged into it: leaves replaced, objects and keyed lists merged. Items keep the applied order; those
    /// that the applied list does not name stay among their neighbours.
    func merged(with applied: JSONValue, at place: Granularity) -> JSONValue {
        guard let container = place.container(applied), place.container(self) == container,
            let old = place.parts(of: self), let new = place.parts(of: applied)
        else { return applied }
        let known = Dictionary(old.map { ($0.element, $0) }, uniquingKeysWith: { first, _ in first })
        var parts = new.map { part in
            guard let live = known[part.element] else { return part }
            return Granularity.Part(
                element: part.element, value: live.value.merged(with: part.value, at: part.place), place: part.place)
        }
        let named = Set(new.map(\.element))
        let positions = Dictionary(
            old.enumerated().map { ($0.element.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        // Before the first named item that stood after it.
        var next = 0
        for (position, part) in old.enumerated() where !named.contains(part.element) {
            while next < parts.count, positions[parts[next].element].map({ $0 < position }) ?? true { next += 1 }
            parts.insert(part, at: next)
            next += 1
        }
        return place.value(of: parts, like: container)
    }

    /// The value without what `last` has and `kept` has not. nil where nothing is left of something that there was.
    func pruned(of last: FieldTree, keeping kept: FieldTree?, at place: Granularity) -> JSONValue? {
        guard let kept else {
            if last.isMember { return nil }
            return pruned(of: last, keeping: FieldTree.empty, at: place)
        }
        guard let container = place.container(self), let parts = place.parts(of: self), !last.children.isEmpty else {
            return self
        }
        let rest = parts.compactMap { part -> Granularity.Part? in
            guard let owned = last.children[part.element] else { return part }
            return part.value.pruned(of: owned, keeping: kept.children[part.element], at: part.place).map {
                Granularity.Part(element: part.element, value: $0, place: part.place)
            }
        }
        return rest.isEmpty && !parts.isEmpty && !kept.isMember ? nil : place.value(of: rest, like: container)
    }
}
