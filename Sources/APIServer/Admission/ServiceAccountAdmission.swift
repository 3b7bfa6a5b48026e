import APIMachinery
import JSONTree
import KubernetesAPI

/// Every pod acts as a service account of its namespace, and gets that account's token in a volume unless it or the account declines.
struct ServiceAccountAdmission: AdmissionRule {
    let accounts: Resource
    let identifiers: Identifiers

    static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
    static let volumePrefix = "kube-api-access-"
    /// A bit more than an hour: a sign to the kubelet that the token may be renewed before its audience expects.
    static let tokenSeconds: Int64 = 3607

    func mutate(_ object: inout JSONObject, old: JSONObject?, _ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.concerns("", "pods"), request.subresource == nil else { return }
        // A static pod's mirror: its node made it without the API.
        guard object[metadata: "annotations"]?["kubernetes.io/config.mirror"] == nil else { return }
        if object["spec"]?["serviceAccountName"]?.string ?? "" == "" {
            let older = object["spec"]?["serviceAccount"]?.string ?? ""
            object["spec", "serviceAccountName"] = .string(older.isEmpty ? "default" : older)
        }
        let name = object["spec"]?["serviceAccountName"]?.string ?? ""
        object["spec", "serviceAccount"] = .string(name)
        guard let account = accounts.cache[accounts.key(namespace: request.namespace, name: name)]?.tree else {
            throw .forbidden(
                request.resource.name, request.shownName,
                "error looking up service account \(request.namespace ?? "")/\(name): serviceaccount \"\(name)\" not found"
            )
        }
        if object["spec"]?["imagePullSecrets"]?.array?.isEmpty ?? true, let secrets = account["imagePullSecrets"] {
            object["spec", "imagePullSecrets"] = secrets
        }
        let mounts =
            object["spec"]?["automountServiceAccountToken"]?.bool ?? account["automountServiceAccountToken"]?.bool
            ?? true
        if mounts { mountToken(&object) }
    }

    /// Adds the volume, and a mount in every container that has nothing at that path.
    private func mountToken(_ object: inout JSONObject) {
        let volumes = object["spec"]?["volumes"]?.array ?? []
        let present = volumes.compactMap { $0["name"]?.string }.first { $0.hasPrefix(Self.volumePrefix) }
        let name = present ?? Self.volumePrefix + identifiers.suffix()
        var isUsed = false
        for list in ["initContainers", "containers"] {
            guard var containers = object["spec"]?[list]?.array else { continue }
            for index in containers.indices {
                guard var container = containers[index].object else { continue }
                var mounts = container["volumeMounts"]?.array ?? []
                guard !mounts.contains(where: { $0["mountPath"]?.string == Self.mountPath }) else { continue }
                mounts.append(["name": .string(name), "readOnly": true, "mountPath": .string(Self.mountPath)])
                container["volumeMounts"] = .array(mounts)
                containers[index] = .object(container)
                isUsed = true
            }
            object["spec", list] = .array(containers)
        }
        if isUsed, present == nil { object["spec", "volumes"] = .array(volumes + [Self.volume(name)]) }
    }

    private static func volume(_ name: String) -> JSONValue {
        [
            "name": .string(name),
            "projected": [
                "defaultMode": 420,
                "sources": [
                    ["serviceAccountToken": ["expirationSeconds": .integer(tokenSeconds), "path": "token"]],
                    ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
                    [
                        "downwardAPI": [
                            "items": [
                                [
                                    "path": "namespace",
                                    "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                                ]
                            ]
                        ]
                    ],
                ],
            ],
        ]
    }
}
