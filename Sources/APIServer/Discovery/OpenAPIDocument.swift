import APIMachinery
import JSONTree
import KubernetesAPI

/// The OpenAPI v3 document of one group version: the schemas of its kinds, and the paths that serve them, with as much of each operation as clients look at.
struct OpenAPIDocument {
    private var components = OpenAPIComponents(.v3)
    private var paths = JSONObject()

    /// - Parameter gitVersion: becomes the document's version.
    static func bytes(of kinds: [KindDefinition], gitVersion: String) -> [UInt8] {
        var document = OpenAPIDocument()
        for kind in kinds { document.add(kind) }
        let object: JSONObject = [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string(gitVersion)],
            "paths": .object(document.paths), "components": ["schemas": .object(document.components.schemas)],
        ]
        return object.encoded()
    }

    private mutating func add(_ definition: KindDefinition) {
        let kind = definition.kind
        let (object, list) = components.add(kind, definition.schema)
        let scope = kind.isNamespaced ? "/namespaces/{namespace}" : ""
        let collection = "\(kind.groupVersionPath)\(scope)/\(kind.plural)"
        let namespace = kind.isNamespaced ? [Self.pathParameter("namespace")] : []
        var all: JSONObject = [
            "get": operation(kind, "list", list, Self.listParameters),
            "post": operation(kind, "post", object, Self.writeParameters, body: object),
            "delete": operation(kind, "deletecollection", Self.status, Self.listParameters),
        ]
        if !namespace.isEmpty { all["parameters"] = .array(namespace) }
        paths[collection] = .object(all)
        if kind.isNamespaced {
            paths["\(kind.groupVersionPath)/\(kind.plural)"] = [
                "get": operation(kind, "list", list, Self.listParameters)
            ]
        }
        let parameters = JSONValue.array(namespace + [Self.pathParameter("name")])
        var item = change(kind, object)
        item["delete"] = operation(kind, "delete", Self.status, Self.deleteParameters)
        item["parameters"] = parameters
        paths["\(collection)/{name}"] = .object(item)
        if kind.subresources.contains(.status) {
            var status = change(kind, object)
            status["parameters"] = parameters
            paths["\(collection)/{name}/status"] = .object(status)
        }
        if kind.subresources.contains(.scale) {
            var scale = change(Scale.kind, components.reference(to: Scale.schema))
            scale["parameters"] = parameters
            paths["\(collection)/{name}/scale"] = .object(scale)
        }
    }

    /// GET, PUT and PATCH.
    private func change(_ kind: ResourceKind, _ object: JSONValue) -> JSONObject {
        [
            "get": operation(kind, "get", object, []),
            "put": operation(kind, "put", object, Self.writeParameters, body: object),
            "patch": operation(kind, "patch", object, Self.patchParameters, body: ["type": "object"]),
        ]
    }

    private func operation(
        _ kind: ResourceKind, _ action: String, _ answer: JSONValue, _ parameters: [JSONValue], body: JSONValue? = nil
    ) -> JSONValue {
        var operation: JSONObject = [
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": [
                "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
            ],
            "responses": ["200": ["description": "OK", "content": ["application/json": ["schema": answer]]]],
        ]
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body {
            let types = action == "patch" ? Self.patchTypes : ["application/json"]
            operation["requestBody"] = [
                "required": true,
                "content": .object(JSONObject(types.map { ($0, JSONValue.object(["schema": body])) })),
            ]
        }
        return .object(operation)
    }

    private static let patchTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    ]
    private static let status: JSONValue = ["type": "object"]

    // MARK: Parameters

    private static let listParameters = [
        query("labelSelector"), query("fieldSelector"), query("limit", "integer"), query("continue"),
        query("resourceVersion"), query("resourceVersionMatch"), query("watch", "boolean"),
        query("allowWatchBookmarks", "boolean"), query("sendInitialEvents", "boolean"),
        query("timeoutSeconds", "integer"),
    ]
    private static let writeParameters = [query("dryRun"), query("fieldManager"), query("fieldValidation")]
    private static let patchParameters = writeParameters + [query("force", "boolean")]
    private static let deleteParameters = [
        query("dryRun"), query("gracePeriodSeconds", "integer"), query("orphanDependents", "boolean"),
        query("propagationPolicy"),
    ]

    private static func query(_ name: String, _ type: String = "string") -> JSONValue {
        ["name": .string(name), "in": "query", "schema": ["type": .string(type), "uniqueItems": true]]
    }

    private static func pathParameter(_ name: String) -> JSONValue {
        ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string", "uniqueItems": true]]
    }
}
