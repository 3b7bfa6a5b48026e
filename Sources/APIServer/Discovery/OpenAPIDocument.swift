import APIMachinery
import JSONTree
import KubernetesAPI

/// An OpenAPI document: the schemas of some kinds, and the paths that serve them, with as much of each operation as clients look at. In version 3
/// there is one for each group version, in version 2 one for all.
struct OpenAPIDocument {
    private let version: OpenAPIComponents.Version
    private var components: OpenAPIComponents
    private var paths = JSONObject()

    private init(_ version: OpenAPIComponents.Version) {
        self.version = version
        components = OpenAPIComponents(version)
    }

    /// - Parameter gitVersion: becomes the document's version.
    static func object(
        _ version: OpenAPIComponents.Version = .v3, of kinds: [KindDefinition], gitVersion: String
    ) -> JSONObject {
        var document = OpenAPIDocument(version)
        for kind in kinds { document.add(kind) }
        var object: JSONObject = [
            "info": ["title": "Kubernetes", "version": .string(gitVersion)], "paths": .object(document.paths),
        ]
        switch version {
        case .v2:
            object["swagger"] = "2.0"
            object["definitions"] = .object(document.components.schemas)
        case .v3:
            object["openapi"] = "3.0.0"
            object["components"] = ["schemas": .object(document.components.schemas)]
        }
        return object
    }

    private mutating func add(_ definition: KindDefinition) {
        let kind = definition.kind
        let (object, list) = components.add(kind, definition.schema)
        let scope = kind.isNamespaced ? "/namespaces/{namespace}" : ""
        let collection = "\(kind.groupVersionPath)\(scope)/\(kind.plural)"
        let namespace = kind.isNamespaced ? [pathParameter("namespace")] : []
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
        let parameters = JSONValue.array(namespace + [pathParameter("name")])
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
        _ kind: ResourceKind, _ action: String, _ answer: JSONValue, _ parameters: [QueryParameter],
        body: JSONValue? = nil
    ) -> JSONValue {
        var operation: JSONObject = [
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": [
                "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
            ],
            "responses": [
                "200": version == .v2
                    ? ["description": "OK", "schema": answer]
                    : ["description": "OK", "content": ["application/json": ["schema": answer]]]
            ],
        ]
        var forms = parameters.map(queryParameter)
        if let body {
            let types = action == "patch" ? Self.patchTypes : ["application/json"]
            switch version {
            case .v2:
                operation["consumes"] = .array(types.map(JSONValue.string))
                forms.append(["name": "body", "in": "body", "required": true, "schema": body])
            case .v3:
                operation["requestBody"] = [
                    "required": true,
                    "content": .object(JSONObject(types.map { ($0, JSONValue.object(["schema": body])) })),
                ]
            }
        }
        if !forms.isEmpty { operation["parameters"] = .array(forms) }
        return .object(operation)
    }

    private static let patchTypes = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    ]
    private static let status: JSONValue = ["type": "object"]

    // MARK: Parameters

    private struct QueryParameter {
        let name: String
        var type = "string"
    }

    private static let listParameters = [
        QueryParameter(name: "labelSelector"), QueryParameter(name: "fieldSelector"),
        QueryParameter(name: "limit", type: "integer"), QueryParameter(name: "continue"),
        QueryParameter(name: "resourceVersion"), QueryParameter(name: "resourceVersionMatch"),
        QueryParameter(name: "watch", type: "boolean"), QueryParameter(name: "allowWatchBookmarks", type: "boolean"),
        QueryParameter(name: "sendInitialEvents", type: "boolean"),
        QueryParameter(name: "timeoutSeconds", type: "integer"),
    ]
    private static let writeParameters = [
        QueryParameter(name: "dryRun"), QueryParameter(name: "fieldManager"), QueryParameter(name: "fieldValidation"),
    ]
    private static let patchParameters = writeParameters + [QueryParameter(name: "force", type: "boolean")]
    private static let deleteParameters = [
        QueryParameter(name: "dryRun"), QueryParameter(name: "gracePeriodSeconds", type: "integer"),
        QueryParameter(name: "orphanDependents", type: "boolean"), QueryParameter(name: "propagationPolicy"),
    ]

    private func queryParameter(_ parameter: QueryParameter) -> JSONValue {
        .object(typed(["name": .string(parameter.name), "in": "query"], parameter.type))
    }

    private func pathParameter(_ name: String) -> JSONValue {
        .object(typed(["name": .string(name), "in": "path", "required": true], "string"))
    }

    /// Version 2 has the type beside the name, version 3 in a schema.
    private func typed(_ parameter: JSONObject, _ type: String) -> JSONObject {
        var parameter = parameter
        switch version {
        case .v2:
            parameter["type"] = .string(type)
            parameter["uniqueItems"] = true
        case .v3: parameter["schema"] = ["type": .string(type), "uniqueItems": true]
        }
        return parameter
    }
}
