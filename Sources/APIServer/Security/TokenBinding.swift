import APIMachinery
import KubernetesAPI
import PKI

/// A service account token dies with its service account, and with its pod.
struct TokenBinding: Sendable {
    private let accounts: Resource?
    private let pods: Resource?

    init(_ resources: ResourceTable) {
        accounts = resources[ServiceAccount.kind]
        pods = resources[Pod.kind]
    }

    func holds(_ claims: ServiceAccountClaims) -> Bool {
        guard Self.exists(claims.serviceAccount, claims.namespace, accounts) else { return false }
        guard let pod = claims.pod else { return true }
        return Self.exists(pod, claims.namespace, pods)
    }

    private static func exists(_ object: ServiceAccountClaims.BoundObject, _ namespace: String, _ resource: Resource?)
        -> Bool
    {
        guard let resource, let found = resource.cache[resource.key(namespace: namespace, name: object.name)] else {
            return false
        }
        return found.tree[metadata: "uid"]?.string == object.uid
    }
}
