import APIMachinery
import JSONTree

/// A scope for names.
package struct Namespace: APIObject {
    package static let kind = ResourceKind(
        kind: "Namespace", plural: "namespaces", shortNames: ["ns"], isNamespaced: false, subresources: [.status])

    package final class Fields: FieldSet {
        package let spec = Total<NamespaceSpec>("spec", "Who must agree to its end.")
        package let status = Total<NamespaceStatus>("status", "Whether it is ending.")
        package init() {}
    }

    package static let summary = "A scope for names."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who must agree to a namespace's end.
package struct NamespaceSpec: APIValue {
    package final class Fields: FieldSet {
        package let finalizers = Total<[String]>(
            "finalizers", "Those who must have cleaned up before it goes.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Whether a namespace is ending.
package struct NamespaceStatus: APIValue {
    package final class Fields: FieldSet {
        package let conditions = Total<[NamespaceCondition]>(
            "conditions", "Why its end takes long.", .listMap(["type"]), .mergeKey("type"))
        package let phase = Key<String>("phase", "Active or Terminating.", .oneOf(["Active", "Terminating"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One aspect of a namespace's end.
package struct NamespaceCondition: APIValue {
    package final class Fields: FieldSet {
        package let lastTransitionTime = Key<Timestamp>("lastTransitionTime", "When the status last changed.")
        package let message = Key<String>("message", "Details for people.")
        package let reason = Key<String>("reason", "Why it last changed, in one word.")
        package let status = Total<String>("status", "True, False or Unknown.", .required)
        package let type = Total<String>("type", "What the condition is about.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
