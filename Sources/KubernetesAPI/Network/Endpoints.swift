import APIMachinery
import JSONTree

/// The endpoints of the service with the same name, in the form before EndpointSlice.
package struct Endpoints: APIObject {
    package static let kind = ResourceKind(kind: "Endpoints", plural: "endpoints", shortNames: ["ep"])

    package final class Fields: FieldSet {
        package let subsets = Total<[EndpointSubset]>("subsets", "Groups of addresses with the same ports.", .atomic)
        package init() {}
    }

    package static let summary = "The endpoints of the service with the same name, in the form before EndpointSlice."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Addresses with the same ports.
package struct EndpointSubset: APIValue {
    package final class Fields: FieldSet {
        package let addresses = Total<[EndpointAddress]>("addresses", "Those that take traffic.", .atomic)
        package let notReadyAddresses = Total<[EndpointAddress]>("notReadyAddresses", "Those that do not yet.", .atomic)
        package let ports = Total<[EndpointSubsetPort]>("ports", "Ports of all of them.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One address.
package struct EndpointAddress: APIValue {
    package final class Fields: FieldSet {
        package let hostname = Key<String>("hostname", "Its host name.", .format(.dnsLabel))
        package let ip = Total<String>("ip", "The address.", .required, .format(.ip))
        package let nodeName = Key<String>("nodeName", "Node that it is on.")
        package let targetRef = Key<ObjectReference>("targetRef", "The object it stands for.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One port.
package struct EndpointSubsetPort: APIValue {
    package final class Fields: FieldSet {
        package let appProtocol = Key<String>("appProtocol", "Application protocol, as a hint.")
        package let name = Key<String>("name", "Name of the service's port; needed where there are several.")
        package let port = Total<Int32>("port", "The port.", .required, .minimum(1), .maximum(65535))
        package let `protocol` = Total<String>(
            "protocol", "Transport protocol.", default: "TCP", .oneOf(["TCP", "UDP", "SCTP"]))
        package init() {}
    }

    package static let typeName = "EndpointPort"
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
