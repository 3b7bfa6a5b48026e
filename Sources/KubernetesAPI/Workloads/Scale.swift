import APIMachinery
import JSONTree

/// The number of pods of a workload: what its scale subresource reads and writes.
package struct Scale: APIObject {
    package static let kind = ResourceKind(group: "autoscaling", kind: "Scale", plural: "scales")

    package final class Fields: FieldSet {
        package let spec = Total<ScaleSpec>("spec", "The number wanted.")
        package let status = Total<ScaleStatus>("status", "The number there is.")
        package init() {}
    }

    package static let summary = "The number of pods of a workload: what its scale subresource reads and writes."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The number of pods wanted.
package struct ScaleSpec: APIValue {
    package final class Fields: FieldSet {
        package let replicas = Total<Int32>("replicas", "Number of pods.", .minimum(0))
        package init() {}
    }

    package static let groupVersion = GroupVersion.autoscaling
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The number of pods there is.
package struct ScaleStatus: APIValue {
    package final class Fields: FieldSet {
        package let replicas = Total<Int32>("replicas", "Number of pods.", .required)
        package let selector = Key<String>("selector", "Labels of the pods, as a selector in text.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.autoscaling
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
