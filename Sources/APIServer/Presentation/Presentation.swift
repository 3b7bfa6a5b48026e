import APIMachinery
import JSONTree
import KubernetesAPI
import Store

/// How a client asked to see objects (by its Accept header), for one resource.
struct Presentation: Sendable {
    enum Style: Sendable, Hashable {
        /// The whole object.
        case object
        /// Metadata alone (`as=PartialObjectMetadata`).
        case metadata
        /// Rows for people, each with as much of its object.
        case table(TableContent)
    }

    enum TableContent: String, Sendable, Hashable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    let style: Style
    /// Of what is not the whole object: `meta.k8s.io/v1`, or `v1beta1`, which differs by its name alone.
    let metaVersion: String
    /// nil: as stored.
    let form: ServedForm?
    let table: TableDefinition
    let time: any TimeSource

    /// The JSON of one object, as a GET or a watch event shows it.
    func item(_ object: CachedObject) -> [UInt8] {
        switch style {
        case .object: form?.served(object.tree).encoded() ?? object.wire
        case .metadata, .table: derived(object.tree)
        }
    }

    /// The same of an object that is made for this answer and stored nowhere.
    func item(_ tree: JSONObject) -> [UInt8] {
        style == .object ? tree.encoded() : derived(tree)
    }

    private func derived(_ tree: JSONObject) -> [UInt8] {
        guard case .table(let content) = style else { return partial(tree).encoded() }
        return tableBytes(
            rows: [row(tree, content)], metadata: ["resourceVersion": tree[metadata: "resourceVersion"] ?? ""])
    }

    /// The event that tells a watcher how far it has come.
    func bookmark(_ revision: Revision, format: WireFormat, endsInitialEvents: Bool) -> [UInt8] {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
        if endsInitialEvents { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        let object: JSONObject =
            switch style {
            case .object:
                [
                    "apiVersion": .string(form?.kind.apiVersion ?? format.apiVersion), "kind": .string(format.kind),
                    "metadata": .object(metadata),
                ]
            case .metadata: partial(["metadata": .object(metadata)])
            case .table:
                [
                    "apiVersion": .string(metaVersion), "kind": "Table",
                    "metadata": ["resourceVersion": .string(String(revision))],
                    "columnDefinitions": .array(table.columns.map(\.json)),
                    "rows": [["cells": [], "object": .object(partial(["metadata": .object(metadata)]))]],
                ]
            }
        return WatchEventType.bookmark.frame(object.encoded())
    }

    /// A list, in parts that are ready to be sent. Objects as they are stored are shared with the cache: a client that reads slowly holds no copy of them.
    func list(_ objects: some Sequence<CachedObject>, format: WireFormat, metadata: JSONObject) -> [[UInt8]] {
        switch style {
        case .object:
            let version = form?.kind.apiVersion ?? format.apiVersion
            return Self.joined(
                head: "{\"apiVersion\":\"\(version)\",\"kind\":\"\(format.kind)List\",\"metadata\":",
                metadata: metadata, items: objects.lazy.map(item))
        case .metadata:
            return Self.joined(
                head: "{\"apiVersion\":\"\(metaVersion)\",\"kind\":\"PartialObjectMetadataList\",\"metadata\":",
                metadata: metadata, items: objects.lazy.map { partial($0.tree).encoded() })
        case .table(let content):
            return [tableBytes(rows: objects.map { row($0.tree, content) }, metadata: metadata)]
        }
    }

    private static func joined(head: String, metadata: JSONObject, items: some Sequence<[UInt8]>) -> [[UInt8]] {
        let comma = [UInt8(ascii: ",")]
        var parts = [Array(head.utf8) + metadata.encoded() + Array(",\"items\":[".utf8)]
        for item in items {
            if parts.count > 1 { parts.append(comma) }
            parts.append(item)
        }
        parts.append(Array("]}".utf8))
        return parts
    }

    private func row(_ tree: JSONObject, _ content: TableContent) -> JSONValue {
        let now = time.now()
        var row: JSONObject = ["cells": .array(table.cells(tree, now))]
        switch content {
        case .none: break
        case .metadata: row["object"] = .object(partial(tree))
        case .object: row["object"] = .object(form?.served(tree) ?? tree)
        }
        return .object(row)
    }

    private func tableBytes(rows: [JSONValue], metadata: JSONObject) -> [UInt8] {
        let table: JSONObject = [
            "apiVersion": .string(metaVersion), "kind": "Table", "metadata": .object(metadata),
            "columnDefinitions": .array(table.columns.map(\.json)), "rows": .array(rows),
        ]
        return table.encoded()
    }

    private func partial(_ object: JSONObject) -> JSONObject {
        [
            "apiVersion": .string(metaVersion), "kind": "PartialObjectMetadata",
            "metadata": object["metadata"] ?? .object(JSONObject()),
        ]
    }
}

extension TableDefinition.Column {
    var json: JSONValue {
        [
            "name": .string(name), "type": .string(type), "format": .string(format), "description": .string(summary),
            "priority": .integer(Int64(priority)),
        ]
    }
}
