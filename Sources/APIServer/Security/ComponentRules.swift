/// What the control plane's own components may do, by user name.
enum ComponentRules {
    /// Verbs on resources of one group. "*" stands for any.
    struct Rule: Sendable {
        var group: String
        /// `pods`, or `pods/status` for a subresource.
        var resources: Set<String>
        var verbs: Set<Verb>

        func allows(_ verb: Verb, _ path: ResourcePath) -> Bool {
            guard verbs.contains(verb), group == "*" || group == path.group else { return false }
            let name = path.subresource.map { "\(path.resource)/\($0)" } ?? path.resource
            return resources.contains(name) || (resources.contains("*") && !Self.sensitive.contains(name))
        }

        /// What "*" does not cover.
        private static let sensitive: Set<String> = [
            "secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "nodes/proxy",
            "serviceaccounts/token",
        ]
    }

    static let read: Set<Verb> = [.get, .list, .watch]
    static let write: Set<Verb> = [.create, .update, .patch, .delete, .deletecollection]

    static let rules: [String: [Rule]] = [
        "system:kube-scheduler": [
            Rule(group: "*", resources: ["*"], verbs: read),
            Rule(group: "", resources: ["pods/binding", "bindings"], verbs: [.create]),
            Rule(group: "", resources: ["pods/status"], verbs: [.update, .patch]),
            Rule(group: "", resources: ["pods"], verbs: [.delete]),
            Rule(group: "", resources: ["events"], verbs: [.create, .update, .patch]),
            Rule(group: "events.k8s.io", resources: ["events"], verbs: [.create, .update, .patch]),
            Rule(group: "coordination.k8s.io", resources: ["leases"], verbs: [.create, .update, .patch]),
        ],
        "system:kube-controller-manager": [
            Rule(group: "*", resources: ["*"], verbs: read.union(write)),
            // Namespaces and the garbage collector take secrets away, and tokens are written into those that ask for one; nothing makes them.
            Rule(group: "", resources: ["secrets"], verbs: read.union([.delete, .deletecollection, .patch, .update])),
        ],
        "system:kube-proxy": networkReader,
        "system:kube-dns": networkReader,
    ]

    private static let networkReader = [
        Rule(
            group: "", resources: ["services", "endpoints", "nodes", "namespaces", "pods"], verbs: read),
        Rule(group: "discovery.k8s.io", resources: ["endpointslices"], verbs: read),
        Rule(group: "", resources: ["events"], verbs: [.create, .update, .patch]),
    ]
}

/// What a node's agent may do. Which objects it may read is `NodeReads`' to say, which it may write `NodeRestriction`'s.
///
/// Its certificate is all that a machine has, so these are upstream's rules of the kubelet, of kube-proxy and of what sets routes between nodes together.
/// Elsewhere the last two have credentials of their own on every node; whoever has taken over a node has these too. Hence all nodes (their
/// addresses and pod networks), services and endpoint slices can be read.
enum NodeRules {
    static func allow(_ verb: Verb, _ path: ResourcePath) -> Bool {
        rules.contains { $0.allows(verb, path) }
            || (path.group.isEmpty && ["secrets", "configmaps"].contains(path.resource) && allowsMounting(verb, path))
    }

    /// Secrets and ConfigMaps one at a time, by name.
    private static func allowsMounting(_ verb: Verb, _ path: ResourcePath) -> Bool {
        ComponentRules.read.contains(verb) && path.subresource == nil && path.namespace != nil && path.name != nil
    }

    static let rules: [ComponentRules.Rule] = [
        .init(
            group: "", resources: ["pods", "nodes", "services"], verbs: ComponentRules.read),
        .init(group: "discovery.k8s.io", resources: ["endpointslices"], verbs: ComponentRules.read),
        .init(group: "coordination.k8s.io", resources: ["leases"], verbs: [.get, .create, .update, .patch, .delete]),
        .init(group: "", resources: ["nodes"], verbs: [.create, .update, .patch]),
        .init(group: "", resources: ["nodes/status", "pods/status"], verbs: [.update, .patch]),
        .init(group: "", resources: ["pods"], verbs: [.create, .delete]),
        .init(group: "", resources: ["pods/eviction", "serviceaccounts/token"], verbs: [.create]),
        .init(group: "", resources: ["events"], verbs: [.create, .update, .patch]),
        .init(group: "events.k8s.io", resources: ["events"], verbs: [.create, .update, .patch]),
    ]
}
