import APIMachinery
import JSONTree

/// A group of containers that run on one node and share its network, and how they fare.
package struct Pod: APIObject {
    package static let kind = ResourceKind(
        kind: "Pod", plural: "pods", shortNames: ["po"], categories: ["all"], subresources: [.status])

    package final class Fields: FieldSet {
        package let spec = Total<PodSpec>("spec", "What should run.")
        package let status = Total<PodStatus>("status", "What runs, as the node last reported it.")
        package init() {}
    }

    package static let summary = "A group of containers that run on one node and share its network, and how they fare."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The pods that a workload makes.
package struct PodTemplateSpec: APIValue {
    package final class Fields: FieldSet {
        package let metadata = Total<ObjectMeta>("metadata", "Labels and annotations of the pods to make.")
        package let spec = Total<PodSpec>("spec", "What each of these pods should run.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
