/// A kind of object and how its resource is served.
package struct ResourceKind: Sendable, Hashable {
    /// "" for the core group.
    package var group: String
    package var version: String
    /// CamelCase, singular: `Pod`.
    package var kind: String
    /// Lower case, plural: `pods`.
    package var plural: String
    package var shortNames: [String]
    package var categories: [String]
    package var isNamespaced: Bool
    package var subresources: Set<Subresource>

    package enum Subresource: String, Sendable, Hashable {
        case status, scale
    }

    package init(
        group: String = "", version: String = "v1", kind: String, plural: String, shortNames: [String] = [],
        categories: [String] = [], isNamespaced: Bool = true, subresources: Set<Subresource> = []
    ) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.shortNames = shortNames
        self.categories = categories
        self.isNamespaced = isNamespaced
        self.subresources = subresources
    }

    /// `v1`, `apps/v1`.
    package var apiVersion: String {
        group.isEmpty ? version : "\(group)/\(version)"
    }

    package var groupVersion: GroupVersion { GroupVersion(group, version) }

    /// The path that the resource is served under: `/api/v1`, `/apis/apps/v1`.
    package var groupVersionPath: String {
        group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
    }
}

/// An object with identity: what the API serves, stores and watches.
package protocol APIObject: APIValue {
    static var kind: ResourceKind { get }
    var metadata: ObjectMeta { get set }
}

extension APIObject {
    package static var groupVersion: GroupVersion { kind.groupVersion }
}
