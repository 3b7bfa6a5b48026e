/// Who makes a request, as authentication found it.
package struct Identity: Sendable, Hashable {
    package var user: String
    package var uid: String
    package var groups: [String]
    /// What the credential says besides: the pod and node a service account token is bound to.
    package var extra: [String: [String]]

    package init(user: String, uid: String = "", groups: [String], extra: [String: [String]] = [:]) {
        self.user = user
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    package static let anonymous = Identity(user: "system:anonymous", groups: ["system:unauthenticated"])

    package var isAuthenticated: Bool { groups.contains("system:authenticated") }
    package var isMaster: Bool { groups.contains("system:masters") }

    /// One of the cluster's own parts: scheduler, controllers, nodes' agents and the like.
    package var isComponent: Bool {
        user.hasPrefix("system:") && isAuthenticated && serviceAccount == nil && user != "system:admin"
    }

    /// The node that this identity is the agent of.
    package var nodeName: String? {
        guard groups.contains("system:nodes"), user.hasPrefix(Self.nodePrefix) else { return nil }
        return String(user.dropFirst(Self.nodePrefix.count))
    }

    /// The namespace and name of the service account that this identity is.
    package var serviceAccount: (namespace: String, name: String)? {
        guard user.hasPrefix(Self.serviceAccountPrefix) else { return nil }
        let parts = user.dropFirst(Self.serviceAccountPrefix.count).split(
            separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    private static let nodePrefix = "system:node:"
    private static let serviceAccountPrefix = "system:serviceaccount:"
}
