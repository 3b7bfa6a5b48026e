import APIMachinery
import JSONTree
import KubernetesAPI

/// What every namespace has from its first moment: the service account `default`, and the cluster's authority for those who call the API. Made with the
/// namespace, so that a pod that is created right after it finds them.
struct NamespaceSeeds: Sendable {
    let registry: ObjectRegistry
    /// PEM; "" where the server has none to give out.
    let clusterAuthority: String

    static let authorityName = "kube-root-ca.crt"

    private static let identity = Identity(
        user: "system:apiserver", groups: ["system:masters", "system:authenticated"])

    func plantEverywhere() async {
        guard let namespaces = registry.resources[Namespace.kind] else { return }
        for namespace in namespaces.cache.snapshot(namespace: nil, applied: 0).objects {
            await plant(in: namespace.key)
        }
    }

    func plant(in namespace: String) async {
        await ensure(ServiceAccount.kind, namespace, ["metadata": ["name": "default"]])
        guard !clusterAuthority.isEmpty else { return }
        let map: JSONObject = [
            "metadata": [
                "name": .string(Self.authorityName),
                "annotations": ["kubernetes.io/description": "The certificate authority of this cluster's API server."],
            ],
            "data": ["ca.crt": .string(clusterAuthority)],
        ]
        await ensure(ConfigMap.kind, namespace, map)
    }

    private func ensure(_ kind: ResourceKind, _ namespace: String, _ object: JSONObject) async {
        guard let resource = registry.resources[kind] else { return }
        do throws(Status) {
            if let present = resource.cache[resource.key(namespace: namespace, name: object.name)] {
                guard object["data"] != nil, present.tree["data"] != object["data"] else { return }
                let update = UpdateRequest(
                    resource: resource, namespace: namespace, name: object.name, identity: Self.identity
                ) { current in
                    var next = current
                    next["data"] = object["data"]
                    return next
                }
                _ = try await registry.update(update)
            } else {
                _ = try await registry.create(
                    object, resource, namespace: namespace, options: WriteOptions(), identity: Self.identity)
            }
        } catch  where error.isReason(.alreadyExists) || error.isReason(.forbidden) {
            // Someone else was faster, or the namespace is ending already.
        } catch {
            registry.logger.warning(
                "cannot create what every namespace has",
                metadata: ["namespace": "\(namespace)", "name": "\(object.name)", "cause": "\(error)"])
        }
    }
}
