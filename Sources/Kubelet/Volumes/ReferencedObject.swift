import KubernetesAPI

/// A ConfigMap or Secret that a pod refers to.
package struct ReferencedObject: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case configMap, secret }

    package var kind: Kind
    package var namespace: String
    package var name: String

    package init(_ kind: Kind, _ name: String, in namespace: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }
}

/// What a pod's volumes were made from.
package struct VolumeContents: Sendable, Hashable {
    /// The version of each object that was read, "" of one that does not exist.
    package var versions: [ReferencedObject: String] = [:]
    /// When the first of the tokens is to be renewed, on the monotonic clock; nil: there is none.
    package var renewal: Duration?

    package init() {}

    mutating func renew(at time: Duration) {
        renewal = min(renewal ?? time, time)
    }
}

extension ReferencedObject: CustomStringConvertible {
    package var description: String { "\(kind == .secret ? "Secret" : "ConfigMap") \(name)" }
}

extension Container {
    /// The ConfigMaps and Secrets that its environment is made from.
    func environmentObjects(in namespace: String) -> Set<ReferencedObject> {
        let sources = self.env.compactMap(\.valueFrom)
        let configMaps =
            self.envFrom.compactMap { $0.configMapRef?.name } + sources.compactMap { $0.configMapKeyRef?.name }
        let secrets = self.envFrom.compactMap { $0.secretRef?.name } + sources.compactMap { $0.secretKeyRef?.name }
        return Set(configMaps.map { ReferencedObject(.configMap, $0, in: namespace) })
            .union(secrets.map { ReferencedObject(.secret, $0, in: namespace) })
    }
}

extension Pod {
    /// Why it cannot be a static pod; nil where it can. It runs without the API, and the node may read only what pods name that the API has bound to it.
    var refusalAsStatic: String? {
        let objects = self.referencedObjects
        guard !objects.isEmpty else { return nil }
        let names = objects.map(\.description).sorted().joined(separator: ", ")
        return "it refers to \(names), and a static pod can refer to nothing in the API: write the values into the "
            + "manifest, or mount a hostPath"
    }

    /// The ConfigMaps and Secrets that its volumes and its containers' environments are made from, those of ephemeral containers left out.
    var referencedObjects: Set<ReferencedObject> {
        (self.spec.initContainers + self.spec.containers).reduce(into: self.volumeObjects) { objects, container in
            objects.formUnion(container.environmentObjects(in: self.metadata.namespace))
        }
    }

    /// The names of the containers whose environments are made from this object.
    func containers(madeFrom object: ReferencedObject) -> [String] {
        (self.spec.initContainers + self.spec.containers)
            .filter { $0.environmentObjects(in: self.metadata.namespace).contains(object) }.map(\.name)
    }

    /// The ConfigMaps and Secrets that its volumes are made from. A pod's volumes never change, so neither does this.
    var volumeObjects: Set<ReferencedObject> {
        let namespace = self.metadata.namespace
        var objects: Set<ReferencedObject> = []
        for volume in self.spec.volumes {
            if let source = volume.configMap { objects.insert(.init(.configMap, source.name, in: namespace)) }
            if let source = volume.secret { objects.insert(.init(.secret, source.secretName, in: namespace)) }
            for part in volume.projected?.sources ?? [] {
                if let source = part.configMap { objects.insert(.init(.configMap, source.name, in: namespace)) }
                if let source = part.secret { objects.insert(.init(.secret, source.name, in: namespace)) }
            }
        }
        return objects
    }

    /// Whether a volume shows fields of the pod itself.
    var hasFieldVolumes: Bool {
        self.spec.volumes.contains { volume in
            volume.downwardAPI != nil || (volume.projected?.sources ?? []).contains { $0.downwardAPI != nil }
        }
    }
}
