import APIMachinery
import JSONTree
import KubernetesAPI

/// A resource as discovery tells of it.
struct ServedResource: Sendable {
    let kind: ResourceKind
    let verbs: [String]
    let subresources: [ServedSubresource]

    static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    init(stored kind: ResourceKind) {
        self.kind = kind
        verbs = Self.allVerbs.filter { kind.allowsCollectionDeletion || $0 != Verb.deletecollection.rawValue }
        subresources = ServedSubresource.all(of: kind)
    }

    /// A resource that is only asked, and stores nothing.
    init(asked kind: ResourceKind) {
        self.kind = kind
        verbs = ["create"]
        subresources = []
    }

    /// What is served beside the stored kinds.
    static let questions = ([Binding.kind] + Kinds.reviews.map(\.kind)).map(ServedResource.init(asked:))
}

/// A subresource as discovery tells of it.
struct ServedSubresource: Sendable, Hashable {
    let name: String
    /// Group, version and kind of what it takes or answers.
    let group: String
    let version: String
    let kind: String
    let verbs: [String]

    private init(_ name: String, _ kind: ResourceKind, _ verbs: [String]) {
        self.init(name, kind.group, kind.version, kind.kind, verbs)
    }

    private init(_ name: String, _ group: String, _ version: String, _ kind: String, _ verbs: [String]) {
        self.name = name
        self.group = group
        self.version = version
        self.kind = kind
        self.verbs = verbs
    }

    static func all(of kind: ResourceKind) -> [ServedSubresource] {
        var all: [ServedSubresource] = []
        let change = ["get", "patch", "update"]
        if kind.subresources.contains(.status) { all.append(.init("status", kind, change)) }
        if kind.subresources.contains(.scale) { all.append(.init("scale", Scale.kind, change)) }
        switch (kind.group, kind.plural) {
        case ("", "pods"):
            all += [
                .init("attach", "", "v1", "PodAttachOptions", ["create", "get"]),
                .init("binding", Binding.kind, ["create"]),
                .init("ephemeralcontainers", kind, change),
                .init("eviction", Eviction.kind, ["create"]),
                .init("exec", "", "v1", "PodExecOptions", ["create", "get"]),
                .init("log", kind, ["get"]),
                .init("portforward", "", "v1", "PodPortForwardOptions", ["create", "get"]),
            ]
        case ("", "serviceaccounts"):
            all.append(.init("token", TokenRequest.kind, ["create"]))
        case ("", "nodes"): all.append(.init("proxy", "", "v1", "NodeProxyOptions", ["get"]))
        case ("", "namespaces"): all.append(.init("finalize", kind, ["update"]))
        default: break
        }
        return all.sorted { $0.name < $1.name }
    }
}

extension ResourceKind {
    /// Namespaces are deleted one by one: each takes all that is in it along.
    var allowsCollectionDeletion: Bool { self != Namespace.kind }

    /// The singular name that kubectl takes: the kind in lower case.
    var singular: String { kind.lowercased() }
}
