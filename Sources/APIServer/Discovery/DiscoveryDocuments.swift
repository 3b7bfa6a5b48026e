import APIMachinery
import JSONTree
import KubernetesAPI

/// The documents by which clients learn what is served. Made once; they change only when the served kinds do.
struct DiscoveryDocuments: Sendable {
    private let resources: [ServedResource]
    /// Group names except the core group, and the versions of each.
    private let groups: [(name: String, versions: [String])]

    init(_ kinds: [ResourceKind]) {
        resources = kinds.map(ServedResource.init(stored:)) + ServedResource.questions
        var groups: [(name: String, versions: [String])] = []
        for kind in resources.map(\.kind) where !kind.group.isEmpty {
            if let index = groups.firstIndex(where: { $0.name == kind.group }) {
                if !groups[index].versions.contains(kind.version) { groups[index].versions.append(kind.version) }
            } else {
                groups.append((kind.group, [kind.version]))
            }
        }
        self.groups = groups.sorted { $0.name < $1.name }
    }

    /// `/api`
    func versions(serverAddress: String) -> JSONObject {
        [
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ]
    }

    /// `/apis`
    var groupList: JSONObject {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(groups.map { .object(Self.group($0.name, $0.versions)) }),
        ]
    }

    /// `/apis/<group>`
    func group(_ name: String) -> JSONObject? {
        guard let group = groups.first(where: { $0.name == name }) else { return nil }
        var document = Self.group(group.name, group.versions)
        document["kind"] = "APIGroup"
        document["apiVersion"] = "v1"
        return document
    }

    private static func group(_ name: String, _ versions: [String]) -> JSONObject {
        let all = versions.map { version in
            JSONValue.object(["groupVersion": .string("\(name)/\(version)"), "version": .string(version)])
        }
        return ["name": .string(name), "versions": .array(all), "preferredVersion": all[0]]
    }

    /// `/api/v1`, `/apis/<group>/<version>`
    func resourceList(group: String, version: String) -> JSONObject? {
        let served = resources.filter { $0.kind.group == group && $0.kind.version == version }
        guard let first = served.first else { return nil }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(first.kind.apiVersion),
            "resources": .array(served.sorted { $0.kind.plural < $1.kind.plural }.flatMap(Self.entries)),
        ]
    }

    private static func entries(_ resource: ServedResource) -> [JSONValue] {
        let kind = resource.kind
        var entry: JSONObject = [
            "name": .string(kind.plural), "singularName": .string(kind.singular),
            "namespaced": .bool(kind.isNamespaced),
            "kind": .string(kind.kind), "verbs": resource.verbs.json,
        ]
        if !kind.shortNames.isEmpty { entry["shortNames"] = kind.shortNames.json }
        if !kind.categories.isEmpty { entry["categories"] = kind.categories.json }
        return [.object(entry)]
            + resource.subresources.map { subresource in
                var entry: JSONObject = [
                    "name": .string("\(kind.plural)/\(subresource.name)"), "singularName": "",
                    "namespaced": .bool(kind.isNamespaced), "kind": .string(subresource.kind),
                    "verbs": subresource.verbs.json,
                ]
                if subresource.group != kind.group || subresource.version != kind.version {
                    entry["group"] = .string(subresource.group)
                    entry["version"] = .string(subresource.version)
                }
                return .object(entry)
            }
    }
}

extension DiscoveryDocuments {
    /// Everything at once: `/api` (the core group) or `/apis` (all others), as clients since 1.26 ask for it.
    func aggregated(isCore: Bool, version: String) -> JSONObject {
        let names = isCore ? [("", ["v1"])] : groups.map { ($0.name, $0.versions) }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"),
            "metadata": .object(JSONObject()),
            "items": .array(names.map { .object(aggregatedGroup($0.0, $0.1)) }),
        ]
    }

    private func aggregatedGroup(_ name: String, _ versions: [String]) -> JSONObject {
        var metadata: JSONObject = ["creationTimestamp": .null]
        if !name.isEmpty { metadata["name"] = .string(name) }
        let documents = versions.map { version in
            let served = resources.filter { $0.kind.group == name && $0.kind.version == version }
            return JSONValue.object([
                "version": .string(version), "freshness": "Current",
                "resources": .array(
                    served.sorted { $0.kind.plural < $1.kind.plural }.map { .object(Self.aggregatedResource($0)) }),
            ])
        }
        return ["metadata": .object(metadata), "versions": .array(documents)]
    }

    private static func aggregatedResource(_ resource: ServedResource) -> JSONObject {
        let kind = resource.kind
        var entry: JSONObject = [
            "resource": .string(kind.plural), "singularResource": .string(kind.singular),
            "scope": kind.isNamespaced ? "Namespaced" : "Cluster", "verbs": resource.verbs.json,
            "responseKind": responseKind(kind.group, kind.version, kind.kind),
        ]
        if !kind.shortNames.isEmpty { entry["shortNames"] = kind.shortNames.json }
        if !kind.categories.isEmpty { entry["categories"] = kind.categories.json }
        if !resource.subresources.isEmpty {
            entry["subresources"] = .array(
                resource.subresources.map { subresource in
                    [
                        "subresource": .string(subresource.name), "verbs": subresource.verbs.json,
                        "responseKind": responseKind(subresource.group, subresource.version, subresource.kind),
                    ]
                })
        }
        return entry
    }

    private static func responseKind(_ group: String, _ version: String, _ kind: String) -> JSONValue {
        ["group": .string(group), "version": .string(version), "kind": .string(kind)]
    }
}
