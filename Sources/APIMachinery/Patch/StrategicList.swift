import JSONTree

/// The merge of one list in a strategic merge patch.
struct StrategicList {
    private let field: MergedField

    init(_ field: MergedField) {
        self.field = field
    }

    func merge(_ items: [JSONValue], into elements: [JSONValue]) throws(PatchError) -> [JSONValue] {
        guard let key = field.mergeKey else { return mergeScalars(items, into: elements) }
        var plain: [JSONValue] = []
        var removed: [JSONValue] = []
        var isReplaced = false
        for item in items {
            switch try directive(of: item) {
            case "replace": isReplaced = true
            case "delete": removed.append(item)
            default: plain.append(item)
            }
        }
        guard !isReplaced else { return plain.map(StrategicMergePatch.stripped) }
        var gone: Set<JSONValue> = []
        for item in removed {
            guard let identity = item[key] else { throw missing(key) }
            gone.insert(identity)
        }
        var result = gone.isEmpty ? elements : elements.filter { !gone.contains(identity($0)) }
        var places = positions(result)
        for item in plain {
            guard case .object(let patch) = item, let identity = patch[key] else { throw missing(key) }
            let index = places[identity]
            let old = index.flatMap { result[$0].object } ?? JSONObject()
            let new = JSONValue.object(try StrategicMergePatch.merge(patch, into: old, field.element))
            if let index {
                result[index] = new
            } else {
                places[identity] = result.count
                result.append(new)
            }
        }
        return result
    }

    private func mergeScalars(_ items: [JSONValue], into elements: [JSONValue]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return (elements + items).filter { seen.insert($0).inserted }
    }

    private func directive(of item: JSONValue) throws(PatchError) -> String? {
        guard let value = item[StrategicMergePatch.directive] else { return nil }
        guard let name = value.string, ["delete", "replace", "merge"].contains(name) else {
            throw .malformed("unknown value \(FieldError.shown(value)) of \(StrategicMergePatch.directive)")
        }
        return name == "merge" ? nil : name
    }

    private func missing(_ key: String) -> PatchError {
        .malformed("an item of a merged list has no \"\(key)\", by which its items are told apart")
    }

    /// The elements that `order` names, in its order; between them those that only the server knows, where they were among their
    /// neighbours of before.
    func ordered(_ elements: [JSONValue], as order: [JSONValue], live: [JSONValue]) -> [JSONValue] {
        let wanted = positions(order)
        let before = positions(live)
        var named: [(place: Int, element: JSONValue)] = []
        var others: [(place: Int, element: JSONValue)] = []
        for (index, element) in elements.enumerated() {
            if let place = wanted[identity(element)] {
                named.append((place, element))
            } else {
                others.append((before[identity(element)] ?? live.count + index, element))
            }
        }
        named.sort { $0.place < $1.place }
        others.sort { $0.place < $1.place }
        var result: [JSONValue] = []
        var next = 0
        for other in others {
            while next < named.count, !precedes(other.element, named[next].element, before) {
                result.append(named[next].element)
                next += 1
            }
            result.append(other.element)
        }
        return result + named[next...].map(\.element)
    }

    /// Whether both were there before, in this order.
    private func precedes(_ left: JSONValue, _ right: JSONValue, _ before: [JSONValue: Int]) -> Bool {
        guard let left = before[identity(left)], let right = before[identity(right)] else { return false }
        return left < right
    }

    private func positions(_ elements: [JSONValue]) -> [JSONValue: Int] {
        Dictionary(
            elements.enumerated().map { (identity($0.element), $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    private func identity(_ element: JSONValue) -> JSONValue {
        guard let key = field.mergeKey else { return element }
        return element[key] ?? .null
    }
}
