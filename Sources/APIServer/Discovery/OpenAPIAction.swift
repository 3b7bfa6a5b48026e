import APIMachinery

extension OpenAPIDocument {
    /// What an operation does, and what clients that are generated from the document call it.
    enum Action: String {
        case list, create, read, replace, patch, delete
        case listEverywhere, deleteCollection

        /// `x-kubernetes-action`.
        var kubernetesName: String {
            switch self {
            case .create: "post"
            case .read: "get"
            case .replace: "put"
            case .listEverywhere: "list"
            case .deleteCollection: "deletecollection"
            case .list, .patch, .delete: rawValue
            }
        }

        /// `listAppsV1NamespacedDeployment`, `readCoreV1Node`: unique in a document.
        func operation(on kind: ResourceKind) -> String {
            let place = kind.groupVersion
            let group = place.shortName.capitalized + place.version.capitalized
            let name = (kind.isNamespaced ? "Namespaced" : "") + kind.kind
            return switch self {
            case .listEverywhere: "list\(group)\(kind.kind)ForAllNamespaces"
            case .deleteCollection: "delete\(group)Collection\(name)"
            case .list, .create, .read, .replace, .patch, .delete: rawValue + group + name
            }
        }

        /// A deletion may go without.
        var needsBody: Bool { self != .delete && self != .deleteCollection }
    }
}

extension String {
    /// ASCII: `apps` to `Apps`.
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
