import APIMachinery
import JSONTree
import KubernetesAPI

/// A kind as this server serves it: its definition, its place in the store, its cache, its behaviour.
final class Resource: Sendable {
    let definition: KindDefinition
    let format: WireFormat
    let cache: ResourceCache
    let behaviour: any KindBehaviour
    /// `/registry/core/pods/`
    let prefix: String
    let name: ResourceName

    init(_ definition: KindDefinition, behaviour: any KindBehaviour) {
        self.definition = definition
        self.behaviour = behaviour
        let empty = JSONObject()
        format = WireFormat(
            apiVersion: definition.kind.apiVersion, kind: definition.kind.kind,
            selectableFields: definition.selectableFields.map {
                SelectableField($0, absent: definition.selectableValue(of: $0, in: empty) ?? "")
            })
        cache = ResourceCache(format: format)
        prefix = CacheFeed.prefix(group: definition.kind.group, resource: definition.kind.plural)
        name = ResourceName(definition.kind)
    }

    var kind: ResourceKind { definition.kind }

    /// Where an object is within the resource.
    func key(namespace: String?, name: String) -> String {
        ObjectKey.text(namespace: kind.isNamespaced ? namespace : nil, name: name)
    }
}

/// The resources that a server serves, by group, version and plural name.
struct ResourceTable: Sendable {
    let all: [Resource]
    private let byPath: [String: Resource]

    init(_ resources: [Resource]) {
        all = resources
        byPath = Dictionary(
            resources.map { (Self.key($0.kind.group, $0.kind.version, $0.kind.plural), $0) },
            uniquingKeysWith: { first, _ in first })
    }

    subscript(_ path: ResourcePath) -> Resource? {
        byPath[Self.key(path.group, path.version, path.resource)]
    }

    subscript(_ kind: ResourceKind) -> Resource? {
        byPath[Self.key(kind.group, kind.version, kind.plural)]
    }

    private static func key(_ group: String, _ version: String, _ plural: String) -> String {
        "\(group)/\(version)/\(plural)"
    }
}
