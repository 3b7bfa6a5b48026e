import HTTP

/// A path under `/api/v1` or `/apis/<group>/<version>` that names a resource, taken apart. Nothing is looked up yet: the resource may not exist.
package struct ResourcePath: Sendable, Hashable {
    package var group: String
    package var version: String
    /// Plural, as in the path.
    package var resource: String
    package var namespace: String?
    package var name: String?
    package var subresource: String?

    package init(
        group: String = "", version: String = "v1", resource: String, namespace: String? = nil, name: String? = nil,
        subresource: String? = nil
    ) {
        self.group = group
        self.version = version
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
    }

    /// nil where the path names no resource: discovery, health and everything unknown.
    package init?(path: String) {
        guard path.hasPrefix("/api") else { return nil }
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()[...]
        if parts.last?.isEmpty == true { parts.removeLast() }
        guard !parts.contains(where: \.isEmpty), let root = parts.popFirst() else { return nil }
        switch root {
        case "api": group = ""
        case "apis":
            guard let first = parts.popFirst() else { return nil }
            group = String(first)
        default: return nil
        }
        guard let version = parts.popFirst(), let segments = Segments(parts.map(String.init)) else { return nil }
        self.version = String(version)
        resource = segments.resource
        namespace = segments.namespace
        name = segments.name
        subresource = segments.subresource
    }

    /// What follows the group and version.
    private struct Segments {
        var resource: String
        var namespace: String?
        var name: String?
        var subresource: String?

        init?(_ parts: [String]) {
            guard let first = parts.first else { return nil }
            var rest = parts
            // A namespace's own subresources look like a resource inside it.
            let isNamespaceItself = parts.count < 3 || (parts.count == 3 && ["status", "finalize"].contains(parts[2]))
            if first == "namespaces", !isNamespaceItself {
                namespace = parts[1]
                rest.removeFirst(2)
            }
            // What follows `proxy` is a path at the node.
            let isProxy = rest.count > 3 && rest[0] == "nodes" && rest[2] == "proxy"
            guard isProxy || (1...3).contains(rest.count) else { return nil }
            resource = rest[0]
            name = rest.count > 1 ? rest[1] : nil
            subresource = rest.count > 2 ? rest[2] : nil
        }
    }
}

extension ResourcePath {
    /// The verb of a method on this path, nil where the method has no meaning here.
    package func verb(_ method: HTTPMethod, isWatch: Bool) -> Verb? {
        switch method {
        case .get, .head: name == nil ? (isWatch ? .watch : .list) : .get
        case .post: .create
        case .put: name == nil ? nil : .update
        case .patch: name == nil ? nil : .patch
        case .delete: name == nil ? .deletecollection : .delete
        case .options: nil
        }
    }
}
