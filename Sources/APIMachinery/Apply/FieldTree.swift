import JSONTree

/// A set of fields of an object, as a tree of path elements, in the notation of managed fields (`FieldsV1`): `f:name` is a member of an
/// object, `k:{"name":"web"}` the item of a list with these keys, `v:"a"` an item of a set.
package struct FieldTree: Sendable, Hashable {
    /// Whether the field that this node stands for is in the set itself, and not only something below it.
    package var isMember: Bool
    package var children: [String: FieldTree]

    package init(isMember: Bool = false, children: [String: FieldTree] = [:]) {
        self.isMember = isMember
        self.children = children
    }

    package static let empty = FieldTree()
    package static let leaf = FieldTree(isMember: true)

    package var isEmpty: Bool { !isMember && children.isEmpty }

    /// Recursion, here and below, is bounded by the depth of the trees, which come from values of bounded depth.
    package func union(_ other: FieldTree) -> FieldTree {
        FieldTree(
            isMember: isMember || other.isMember,
            children: children.merging(other.children) { $0.union($1) })
    }

    package func intersection(_ other: FieldTree) -> FieldTree {
        var result = FieldTree(isMember: isMember && other.isMember)
        for (element, child) in children {
            guard let match = other.children[element] else { continue }
            let common = child.intersection(match)
            if !common.isEmpty { result.children[element] = common }
        }
        return result
    }

    package func subtracting(_ other: FieldTree) -> FieldTree {
        var result = FieldTree(isMember: isMember && !other.isMember)
        for (element, child) in children {
            let rest = other.children[element].map(child.subtracting) ?? child
            if !rest.isEmpty { result.children[element] = rest }
        }
        return result
    }

    /// The paths of all members, in the form of messages: `.spec.containers[name="web"].image`. Sorted.
    package var paths: [String] {
        var paths: [String] = []
        collect(prefix: "", into: &paths)
        return paths.sorted()
    }

    private func collect(prefix: String, into paths: inout [String]) {
        if isMember { paths.append(prefix) }
        for (element, child) in children {
            child.collect(prefix: prefix + Self.shown(element), into: &paths)
        }
    }

    private static func shown(_ element: String) -> String {
        let text = String(element.dropFirst(2))
        switch element.prefix(2) {
        case "f:": return "." + text
        case "k:":
            guard case .object(let keys)? = try? JSONValue(parsing: text) else { return "[\(text)]" }
            return "[" + keys.members.map { "\($0.key)=\($0.value.text)" }.joined(separator: ",") + "]"
        case "v:": return "[=\(text)]"
        default: return "[\(text)]"
        }
    }
}

extension FieldTree {
    /// The stored form. A node that is only a member is `{}`; one that also has children says so by `.`.
    package var json: JSONObject {
        var object = JSONObject(children.map { ($0.key, JSONValue.object($0.value.json)) })
        if isMember, !children.isEmpty { object["."] = JSONValue.object(JSONObject()) }
        return object
    }

    /// Reads the stored form; nil where it is something else.
    package init?(json: JSONObject) {
        self.init()
        for member in json.members where member.key != "." {
            guard case .object(let object) = member.value, member.key.dropFirst().first == ":",
                let child = FieldTree(node: object)
            else { return nil }
            children[member.key] = child
        }
    }

    private init?(node: JSONObject) {
        self.init(json: node)
        isMember = children.isEmpty || node["."] != nil
    }
}
