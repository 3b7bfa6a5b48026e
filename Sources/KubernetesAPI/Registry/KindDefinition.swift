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
    /// Sets what the server decides and clients do not: the first status, finalizers, values that were allocated. Runs before defaulting, on
    /// creations (`old` is nil) and updates of the object itself, not of its subresources.
    package let prepare: @Sendable (_ new: inout JSONObject, _ old: JSONObject?) -> Void
    /// Fills in the defaults that depend on other fields. Runs after the schema's own defaults, on every create and update, before
    /// validation; running it twice changes nothing.
    package let complete: @Sendable (inout JSONObject) -> Void
    /// What rules on single fields cannot say: conditions between fields, and what may change. `old` is nil on a creation. The object
    /// has passed its schema. For creations and updates of the object itself: subresources (status, binding) change what this forbids.
    package let validate: @Sendable (_ new: JSONObject, _ old: JSONObject?) -> [FieldError]
    /// The same for updates of the status.
    package let validateStatus: @Sendable (_ new: JSONObject, _ old: JSONObject) -> [FieldError]

    package init<Object: APIObject>(
        _ type: Object.Type, nameFormat: Rule.Format = .dnsSubdomain, table: TableDefinition,
        selectableFields: [String] = [],
        prepare: @escaping @Sendable (_ new: inout Object, _ old: Object?) -> Void = { _, _ in },
        complete: @escaping @Sendable (inout Object) -> Void = { _ in },
        validate: @escaping @Sendable (_ new: Object, _ old: Object?) -> [FieldError] = { _, _ in [] },
        validateStatus: @escaping @Sendable (_ new: Object, _ old: Object) -> [FieldError] = { _, _ in [] }
    ) {
        kind = type.kind
        schema = type.schema
        self.nameFormat = nameFormat
        self.table = table
        self.selectableFields = selectableFields
        self.prepare = { storage, old in
            Self.edit(&storage) { prepare(&$0, old.map(Object.init(storage:))) }
        }
        self.complete = { storage in Self.edit(&storage, complete) }
        self.validate = { new, old in validate(Object(storage: new), old.map(Object.init(storage:))) }
        self.validateStatus = { new, old in validateStatus(Object(storage: new), Object(storage: old)) }
    }

    /// The view is the only owner of the object while it changes it, so that nothing is copied.
    private static func edit<Object: APIObject>(_ storage: inout JSONObject, _ change: (inout Object) -> Void) {
        var object = Object(storage: storage)
        storage = JSONObject()
        change(&object)
        storage = object.storage
    }

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
