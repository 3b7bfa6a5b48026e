import APIMachinery
import JSONTree

/// A request to run a pod on a node.
package struct Binding: APIObject {
    package static let kind = ResourceKind(kind: "Binding", plural: "bindings")

    package final class Fields: FieldSet {
        package let target = Total<ObjectReference>("target", "The node.", .required, .atomic)
        package init() {}
    }

    package static let summary = "A request to run a pod on a node."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A request to end a pod, subject to disruption budgets.
package struct Eviction: APIObject {
    package static let kind = ResourceKind(group: "policy", kind: "Eviction", plural: "evictions")

    package final class Fields: FieldSet {
        package let deleteOptions = Key<DeleteOptions>("deleteOptions", "How to delete the pod.")
        package init() {}
    }

    package static let summary = "A request to end a pod, subject to disruption budgets."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
