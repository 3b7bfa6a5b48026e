import APIMachinery
import JSONTree

/// All that the API server must know of one built-in kind to serve it. A custom resource is the same value built at run time.
package struct KindDefinition: Sendable {
    package let kind: ResourceKind
    package let schema: Schema
    /// The form that a name must have.
    package let nameFormat: Rule.Format
    /// What `kubectl get` prints.
    package let table: TableDefinition
    /// Fields that a field selector can name besides metadata.name and metadata.namespace, as paths: `spec.nodeName`.
    package let selectableFields: [String]
    /// Fills in the defaults that depend on other fields. Runs after the schema's own defaults, on every create and update, before
    /// validation; running it twice changes nothing.
    package let complete: @Sendable (inout JSONObject) -> Void
    /// What rules on single fields cannot say: conditions between fields, and what may change. `old` is nil on a creation. The object
    /// has passed its schema.
    package let validate: @Sendable (_ new: JSONObject, _ old: JSONObject?) -> [FieldError]

    package init<Object: APIObject>(
        _ type: Object.Type, nameFormat: Rule.Format = .dnsSubdomain, table: TableDefinition,
        selectableFields: [String] = [], complete: @escaping @Sendable (inout Object) -> Void = { _ in },
        validate: @escaping @Sendable (_ new: Object, _ old: Object?) -> [FieldError] = { _, _ in [] }
    ) {
        kind = type.kind
        schema = type.schema
        self.nameFormat = nameFormat
        self.table = table
        self.selectableFields = selectableFields
        self.complete = { storage in
            var object = Object(storage: storage)
            // The view is the only owner while it changes the object, so that nothing is copied.
            storage = JSONObject()
            complete(&object)
            storage = object.storage
        }
        self.validate = { new, old in validate(Object(storage: new), old.map(Object.init(storage:))) }
    }

    /// `PodList`.
    package var listKind: String { kind.kind + "List" }

    /// What a field selector compares with: the text of the field at `path`, "" where it is absent; nil where the kind does not offer it.
    package func selectableValue(of path: String, in object: JSONObject) -> String? {
        let common = ["metadata.name", "metadata.namespace"]
        guard common.contains(path) || selectableFields.contains(path) else { return nil }
        var value = JSONValue.object(object)
        // The older selector of events names the reporting component.
        for step in (path == "source" ? "source.component" : path).split(separator: ".") {
            guard let member = value[String(step)] else { return absentText(path) }
            value = member
        }
        return switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        default: ""
        }
    }

    private func absentText(_ path: String) -> String {
        switch path {
        case "spec.unschedulable", "spec.hostNetwork": "false"
        case "status.replicas": "0"
        default: ""
        }
    }
}
