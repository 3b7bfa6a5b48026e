import APIMachinery

/// An object's place among those of its kind. The namespace is empty for objects of the whole cluster.
package struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var namespace: String
    package var name: String

    package init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    package init(_ object: some APIObject) {
        let metadata = object.metadata
        self.init(namespace: metadata.namespace, name: metadata.name)
    }

    /// `NAMESPACE/NAME`, or the name alone.
    package var description: String {
        namespace.isEmpty ? name : "\(namespace)/\(name)"
    }

    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

extension APIObject {
    package var key: ObjectKey { ObjectKey(self) }
}
