import APIMachinery
import JSONTree

/// What a container asks for and may use at most.
package struct ResourceRequirements: APIValue {
    package final class Fields: FieldSet {
        package let claims = Total<[ResourceClaim]>(
            "claims", "Device claims of the pod that the container uses.", .listMap(["name"]))
        package let limits = Total<[String: Quantity]>("limits", "Most that may be used, by resource.")
        package let requests = Total<[String: Quantity]>(
            "requests", "What is set aside, by resource; the limits where absent.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A device claim of the pod, used by a container.
package struct ResourceClaim: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the claim in the pod's resourceClaims.", .required)
        package let request = Key<String>("request", "One request of the claim; absent: all.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
