import APIMachinery
import JSONTree
import KubernetesAPI
import PKI

/// A service account token dies with its service account, and with the object that it is bound to. One that never expires lasts no longer than it
/// is kept in its secret.
struct TokenBinding: Sendable {
    /// How long a token that expires outlives the deletion of what it is bound to, where something holds that, as upstream has it.
    private static let leeway = Duration.seconds(60)

    private let resources: ResourceTable
    private let time: any TimeSource

    init(_ resources: ResourceTable, time: any TimeSource) {
        self.resources = resources
        self.time = time
    }

    func holds(_ claims: ServiceAccountClaims, token: String) -> Bool {
        let isLasting = claims.expiresAtSeconds == nil
        func find(_ object: ServiceAccountClaims.BoundObject, _ kind: ResourceKind, _ namespace: String?)
            -> JSONObject?
        {
            self.find(object, kind, namespace).flatMap { isDeleted($0, atOnce: isLasting) ? nil : $0 }
        }
        guard find(claims.serviceAccount, ServiceAccount.kind, claims.namespace) != nil else { return false }
        if let pod = claims.pod, find(pod, Pod.kind, claims.namespace) == nil { return false }
        // Of a pod's token the node is told, and no more: the pod is there no longer than its node is.
        if claims.pod == nil, let node = claims.node, find(node, Node.kind, nil) == nil { return false }
        guard let bound = claims.secret else { return !isLasting }
        guard let secret = find(bound, Secret.kind, claims.namespace) else { return false }
        return !isLasting || secret["data"]?["token"].flatMap(Bytes.init(json:)) == Bytes(token.utf8)
    }

    private func find(_ object: ServiceAccountClaims.BoundObject, _ kind: ResourceKind, _ namespace: String?)
        -> JSONObject?
    {
        guard let resource = resources[kind],
            let found = resource.cache[resource.key(namespace: namespace, name: object.name)]?.tree,
            found[metadata: "uid"]?.string == object.uid
        else { return nil }
        return found
    }

    /// - Parameter atOnce: without leeway.
    private func isDeleted(_ object: JSONObject, atOnce: Bool) -> Bool {
        guard let deletion = object[metadata: "deletionTimestamp"]?.string else { return false }
        guard !atOnce, let due = Timestamp(deletion) else { return true }
        return due + Self.leeway < time.now()
    }
}
