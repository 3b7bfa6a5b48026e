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

    /// - Parameters:
    ///   - reviews: what is only asked.
    ///   - gitVersion: becomes the document's version.
    static func object(
        _ version: OpenAPIComponents.Version = .v3, of kinds: [KindDefinition],
        reviews: [(kind: ResourceKind, schema: Schema)], gitVersion: String
    ) -> JSONObject {
        var document = OpenAPIDocument(version)
        for kind in kinds { document.add(kind) }
        for review in reviews { document.add(review: review.kind, review.schema) }
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
        let status = components.reference(to: Status.schema)
        components.mark(Status.schema, as: .core, "Status")
        let options = components.reference(to: DeleteOptions.schema)
        components.mark(DeleteOptions.schema, as: kind.groupVersion, "DeleteOptions")
        let namespace = kind.isNamespaced ? [pathParameter("namespace")] : []
        let collection = Self.collection(of: kind)
        var all: JSONObject = [
            "get": operation(kind, .list, answer: list, Self.listParameters),
            "post": operation(kind, .create, answer: object, Self.writeParameters, body: object),
        ]
        if kind.allowsCollectionDeletion {
            all["delete"] = operation(kind, .deleteCollection, answer: status, Self.listParameters, body: options)
        }
        if !namespace.isEmpty { all["parameters"] = .array(namespace) }
        paths[collection] = .object(all)
        if kind.isNamespaced {
            paths["\(kind.groupVersionPath)/\(kind.plural)"] = [
                "get": operation(kind, .listEverywhere, answer: list, Self.listParameters)
            ]
        }
        var item = change(kind, object)
        item["delete"] = operation(kind, .delete, answer: status, Self.deleteParameters, body: options)
        let parameters = JSONValue.array(namespace + [pathParameter("name")])
        item["parameters"] = parameters
        paths["\(collection)/{name}"] = .object(item)
        for (name, operations) in subresources(of: kind, object) {
            var operations = operations
            operations["parameters"] = parameters
            paths["\(collection)/{name}/\(name)"] = .object(operations)
        }
    }

    private mutating func add(review kind: ResourceKind, _ schema: Schema) {
        let form = components.addRequest(kind, schema)
        var all: JSONObject = ["post": operation(kind, .create, answer: form, Self.writeParameters, body: form)]
        if kind.isNamespaced { all["parameters"] = [pathParameter("namespace")] }
        paths[Self.collection(of: kind)] = .object(all)
    }

    private static func collection(of kind: ResourceKind) -> String {
        "\(kind.groupVersionPath)\(kind.isNamespaced ? "/namespaces/{namespace}" : "")/\(kind.plural)"
    }

    /// Those that take and give objects, with their operations.
    private mutating func subresources(of kind: ResourceKind, _ object: JSONValue) -> [(String, JSONObject)] {
        var found: [(String, JSONObject)] = []
        if kind.subresources.contains(.status) { found.append(("status", change(kind, object, "Status"))) }
        if kind.subresources.contains(.scale) {
            let scale = components.addRequest(Scale.kind, Scale.schema)
            found.append(("scale", change(kind, scale, "Scale", of: Scale.kind)))
        }
        if kind == Pod.kind { found.append(("ephemeralcontainers", change(kind, object, "Ephemeralcontainers"))) }
        for (name, request, schema) in Self.requests(to: kind) {
            let form = components.addRequest(request, schema)
            let create = operation(
                kind, .create, answer: form, Self.writeParameters, body: form, subresource: request.kind, of: request)
            found.append((name, ["post": create]))
        }
        return found
    }

    /// What is sent to a part of an object and not stored.
    private static func requests(to kind: ResourceKind) -> [(name: String, ResourceKind, Schema)] {
        switch kind {
        case Pod.kind: [("binding", Binding.kind, Binding.schema), ("eviction", Eviction.kind, Eviction.schema)]
        case ServiceAccount.kind: [("token", TokenRequest.kind, TokenRequest.schema)]
        default: []
        }
    }

    /// GET, PUT and PATCH.
    private func change(
        _ kind: ResourceKind, _ object: JSONValue, _ subresource: String = "", of form: ResourceKind? = nil
    ) -> JSONObject {
        [
            "get": operation(kind, .read, answer: object, [], subresource: subresource, of: form),
            "put": operation(
                kind, .replace, answer: object, Self.writeParameters, body: object, subresource: subresource, of: form),
            "patch": operation(
                kind, .patch, answer: object, Self.patchParameters, body: ["type": "object"], subresource: subresource,
                of: form),
        ]
    }

    /// - Parameter form: the kind of what is sent and answered, where it is another than that of the resource.
    private func operation(
        _ kind: ResourceKind, _ action: Action, answer: JSONValue, _ parameters: [QueryParameter],
        body: JSONValue? = nil, subresource: String = "", of form: ResourceKind? = nil
    ) -> JSONValue {
        let form = form ?? kind
        let place = kind.groupVersion
        var operation: JSONObject = [
            "operationId": .string(action.operation(on: kind) + subresource),
            "tags": [.string("\(place.shortName)_\(place.version)")],
            "x-kubernetes-action": .string(action.kubernetesName),
            "x-kubernetes-group-version-kind": [
                "group": .string(form.group), "version": .string(form.version), "kind": .string(form.kind),
            ],
            "responses": [
                "200": version == .v2
                    ? ["description": "OK", "schema": answer]
                    : ["description": "OK", "content": ["application/json": ["schema": answer]]]
            ],
        ]
        var forms = parameters.map(queryParameter)
        if let body {
            let types = action == .patch ? Self.patchTypes : ["application/json"]
            switch version {
            case .v2:
                operation["consumes"] = .array(types.map(JSONValue.string))
                forms.append(["name": "body", "in": "body", "required": .bool(action.needsBody), "schema": body])
            case .v3:
                operation["requestBody"] = [
                    "required": .bool(action.needsBody),
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
