import JSONTree

/// The objects of its namespace that a pod's spec names, and that its node therefore gets to read.
struct PodReferences: Sendable, Hashable {
    private(set) var secrets: Set<String> = []
    private(set) var configMaps: Set<String> = []
    /// It names a service account, asks for its token, or names a claim.
    private(set) var hasOthers = false

    var isEmpty: Bool { secrets.isEmpty && configMaps.isEmpty && !hasOthers }

    init(_ spec: JSONValue) {
        for field in ["serviceAccountName", "serviceAccount"] where !(spec[field]?.string ?? "").isEmpty {
            hasOthers = true
        }
        if spec["resourceClaims"]?.array?.isEmpty == false { hasOthers = true }
        for secret in spec["imagePullSecrets"]?.array ?? [] { note(secret, "name", in: \.secrets) }
        for volume in spec["volumes"]?.array ?? [] { add(volume: volume) }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec[list]?.array ?? [] { add(container: container) }
        }
    }

    private mutating func add(volume: JSONValue) {
        note(volume["secret"], "secretName", in: \.secrets)
        note(volume["configMap"], "name", in: \.configMaps)
        for source in volume["projected"]?["sources"]?.array ?? [] {
            note(source["secret"], "name", in: \.secrets)
            note(source["configMap"], "name", in: \.configMaps)
            if source["serviceAccountToken"] != nil { hasOthers = true }
        }
        if volume["persistentVolumeClaim"] != nil || volume["ephemeral"] != nil { hasOthers = true }
        // Drivers of several kinds take a secret along.
        for source in volume.object?.members ?? [] {
            for field in ["secretRef", "nodePublishSecretRef"] { note(source.value[field], "name", in: \.secrets) }
        }
        note(volume["azureFile"], "secretName", in: \.secrets)
    }

    private mutating func add(container: JSONValue) {
        for source in container["envFrom"]?.array ?? [] {
            note(source["secretRef"], "name", in: \.secrets)
            note(source["configMapRef"], "name", in: \.configMaps)
        }
        for variable in container["env"]?.array ?? [] {
            note(variable["valueFrom"]?["secretKeyRef"], "name", in: \.secrets)
            note(variable["valueFrom"]?["configMapKeyRef"], "name", in: \.configMaps)
        }
    }

    private mutating func note(
        _ value: JSONValue?, _ field: String, in names: WritableKeyPath<PodReferences, Set<String>>
    ) {
        if let name = value?[field]?.string, !name.isEmpty { self[keyPath: names].insert(name) }
    }
}
