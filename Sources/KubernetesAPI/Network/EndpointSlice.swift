import APIMachinery
import JSONTree

/// Some of the endpoints behind a service.
package struct EndpointSlice: APIObject {
    package static let kind = ResourceKind(group: "discovery.k8s.io", kind: "EndpointSlice", plural: "endpointslices")

    package final class Fields: FieldSet {
        package let addressType = Total<String>(
            "addressType", "Kind of the addresses.", .required, .immutable, .oneOf(["IPv4", "IPv6", "FQDN"]))
        package let endpoints = Total<[Endpoint]>("endpoints", "The endpoints.", .atomic, .maxItems(1000))
        package let ports = Total<[EndpointPort]>("ports", "Ports that all of them serve.", .atomic, .maxItems(100))
        package init() {}
    }

    package static let summary = "Some of the endpoints behind a service."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One pod, or other server, behind a service.
package struct Endpoint: APIValue {
    package final class Fields: FieldSet {
        package let addresses = Total<[String]>(
            "addresses", "Its addresses; the first is used.", .required, .set, .minItems(1), .maxItems(100))
        package let conditions = Total<EndpointConditions>("conditions", "Whether it takes traffic.")
        package let deprecatedTopology = Total<[String: String]>(
            "deprecatedTopology", "Topology labels of before discovery.k8s.io/v1.")
        package let hints = Key<EndpointHints>("hints", "Who should use it.")
        package let hostname = Key<String>("hostname", "Its host name.", .format(.dnsLabel))
        package let nodeName = Key<String>("nodeName", "Node that it runs on.")
        package let targetRef = Key<ObjectReference>("targetRef", "The object it stands for, mostly a pod.", .atomic)
        package let zone = Key<String>("zone", "Zone that it is in.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Whether an endpoint takes traffic.
package struct EndpointConditions: APIValue {
    package final class Fields: FieldSet {
        package let ready = Key<Bool>("ready", "It takes traffic and is not ending; unknown counts as true.")
        package let serving = Key<Bool>("serving", "It takes traffic, ending or not.")
        package let terminating = Key<Bool>("terminating", "It is ending.")
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Who should use an endpoint.
package struct EndpointHints: APIValue {
    package final class Fields: FieldSet {
        package let forNodes = Total<[ForNode]>("forNodes", "Nodes that should.", .atomic, .maxItems(8))
        package let forZones = Total<[ForZone]>("forZones", "Zones that should.", .atomic, .maxItems(8))
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A node that should use an endpoint.
package struct ForNode: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the node.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A zone that should use an endpoint.
package struct ForZone: APIValue {
    package final class Fields: FieldSet {
        package let name = Total<String>("name", "Name of the zone.", .required)
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A port that endpoints serve.
package struct EndpointPort: APIValue {
    package final class Fields: FieldSet {
        package let appProtocol = Key<String>("appProtocol", "Application protocol, as a hint.")
        package let name = Total<String>("name", "Name of the service's port.", default: "")
        package let port = Key<Int32>("port", "The port; absent: every one.", .minimum(1), .maximum(65535))
        package let `protocol` = Total<String>(
            "protocol", "Transport protocol.", default: "TCP", .oneOf(["TCP", "UDP", "SCTP"]))
        package init() {}
    }

    package static let groupVersion = GroupVersion.discovery
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
