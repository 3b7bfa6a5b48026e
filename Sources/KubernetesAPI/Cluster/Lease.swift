import APIMachinery
import JSONTree

/// Who holds something, and until when.
package struct Lease: APIObject {
    package static let kind = ResourceKind(group: "coordination.k8s.io", kind: "Lease", plural: "leases")

    package final class Fields: FieldSet {
        package let spec = Total<LeaseSpec>("spec", "The holder and its time.")
        package init() {}
    }

    package static let summary = "Who holds something, and until when."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who holds a lease, and until when.
package struct LeaseSpec: APIValue {
    package final class Fields: FieldSet {
        package let acquireTime = Key<MicroTime>("acquireTime", "When the holder got it.")
        package let holderIdentity = Key<String>("holderIdentity", "Who holds it.")
        package let leaseDurationSeconds = Key<Int32>(
            "leaseDurationSeconds", "Seconds after renewTime that others wait before they take it.")
        package let leaseTransitions = Key<Int32>("leaseTransitions", "How often it changed hands.", .minimum(0))
        package let preferredHolder = Key<String>("preferredHolder", "Who should get it next, with a strategy.")
        package let renewTime = Key<MicroTime>("renewTime", "When the holder last renewed it.")
        package let strategy = Key<String>("strategy", "How the holder is chosen, where candidates coordinate.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.coordination
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
