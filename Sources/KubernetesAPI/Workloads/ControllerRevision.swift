import APIMachinery
import JSONTree

/// A past state of a workload's template.
package struct ControllerRevision: APIObject {
    package static let kind = ResourceKind(group: "apps", kind: "ControllerRevision", plural: "controllerrevisions")

    package final class Fields: FieldSet {
        package let data = Key<JSONValue>("data", "The state, as its controller wrote it.", .immutable)
        package let revision = Total<Int64>("revision", "Number of the revision.", .required, .minimum(0))
        package init() {}
    }

    package static let summary = "A past state of a workload's template."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
