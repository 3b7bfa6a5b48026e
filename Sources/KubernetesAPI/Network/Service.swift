import APIMachinery
import JSONTree

/// One stable address for a changing set of pods.
package struct Service: APIObject {
    package static let kind = ResourceKind(
        kind: "Service", plural: "services", shortNames: ["svc"], categories: ["all"], subresources: [.status])

    package final class Fields: FieldSet {
        package let spec = Total<ServiceSpec>("spec", "The address, its ports and the pods behind it.")
        package let status = Total<ServiceStatus>("status", "What a load balancer reported.")
        package init() {}
    }

    package static let summary = "One stable address for a changing set of pods."
    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// The address of a service, its ports and the pods behind it.
package struct ServiceSpec: APIValue {
    package final class Fields: FieldSet {
        package let allocateLoadBalancerNodePorts = Key<Bool>(
            "allocateLoadBalancerNodePorts", "Whether a load balancer's service gets node ports.")
        package let clusterIP = Key<String>(
            "clusterIP", "The address inside the cluster; None for a headless service, chosen where absent.")
        package let clusterIPs = Total<[String]>(
            "clusterIPs", "The addresses, one of each family; the first equals clusterIP.", .atomic, .maxItems(2))
        package let externalIPs = Total<[String]>(
            "externalIPs", "Addresses of nodes that lead to the service as well.", .atomic)
        package let externalName = Key<String>(
            "externalName", "DNS name that the service is an alias of, for type ExternalName.")
        package let externalTrafficPolicy = Key<String>(
            "externalTrafficPolicy", "Whether traffic from outside stays on the node it reached.",
            .oneOf(["Cluster", "Local"]))
        package let healthCheckNodePort = Key<Int32>(
            "healthCheckNodePort", "Port of the node that tells a load balancer whether it has endpoints.", .minimum(0),
            .maximum(65535))
        package let internalTrafficPolicy = Key<String>(
            "internalTrafficPolicy", "Whether traffic from pods stays on their node.", .oneOf(["Cluster", "Local"]))
        package let ipFamilies = Total<[String]>("ipFamilies", "Families of the addresses.", .atomic, .maxItems(2))
        package let ipFamilyPolicy = Key<String>(
            "ipFamilyPolicy", "Whether one family or two.",
            .oneOf(["SingleStack", "PreferDualStack", "RequireDualStack"]))
        package let loadBalancerClass = Key<String>(
            "loadBalancerClass", "Load balancer implementation that serves this.", .format(.qualifiedName))
        package let loadBalancerIP = Key<String>("loadBalancerIP", "Address asked of the load balancer. Out of use.")
        package let loadBalancerSourceRanges = Total<[String]>(
            "loadBalancerSourceRanges", "Networks that may reach the load balancer.", .atomic)
        package let ports = Total<[ServicePort]>(
            "ports", "The ports.", .listMap(["port", "protocol"]), .mergeKey("port"))
        package let publishNotReadyAddresses = Total<Bool>(
            "publishNotReadyAddresses", "Pods that are not ready are found too.")
        package let selector = Total<[String: String]>(
            "selector", "Labels of the pods behind the service; absent: its endpoints are managed by someone else.",
            .atomic)
        package let sessionAffinity = Total<String>(
            "sessionAffinity", "Whether a client reaches the same pod each time.", default: "None",
            .oneOf(["ClientIP", "None"]))
        package let sessionAffinityConfig = Key<SessionAffinityConfig>(
            "sessionAffinityConfig", "How long a client keeps its pod.")
        package let trafficDistribution = Key<String>(
            "trafficDistribution", "Which endpoints are preferred.",
            .oneOf(["PreferClose", "PreferSameZone", "PreferSameNode"]))
        package let type = Total<String>(
            "type", "How the service is reached.", default: "ClusterIP",
            .oneOf(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A port of a service.
package struct ServicePort: APIValue {
    package final class Fields: FieldSet {
        package let appProtocol = Key<String>("appProtocol", "Application protocol, as a hint.")
        package let name = Key<String>("name", "Name of the port; needed where there are several.", .format(.dnsLabel))
        package let nodePort = Key<Int32>(
            "nodePort", "Port of every node that leads to this one; chosen where needed and absent.", .minimum(0),
            .maximum(65535))
        package let port = Total<Int32>("port", "The port of the service.", .required, .minimum(1), .maximum(65535))
        package let `protocol` = Total<String>(
            "protocol", "Transport protocol.", default: "TCP", .oneOf(["TCP", "UDP", "SCTP"]))
        package let targetPort = Key<IntOrString>(
            "targetPort", "Number or name of the pods' port; equal to port where absent.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// How long a client keeps its pod.
package struct SessionAffinityConfig: APIValue {
    package final class Fields: FieldSet {
        package let clientIP = Key<ClientIPConfig>("clientIP", "By the client's address.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Affinity by the client's address.
package struct ClientIPConfig: APIValue {
    package final class Fields: FieldSet {
        package let timeoutSeconds = Key<Int32>(
            "timeoutSeconds", "Seconds after its last packet that a client keeps its pod.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// What a load balancer reported.
package struct ServiceStatus: APIValue {
    package final class Fields: FieldSet {
        package let conditions = Total<[Condition]>(
            "conditions", "State of the service.", .listMap(["type"]), .mergeKey("type"))
        package let loadBalancer = Total<LoadBalancerStatus>("loadBalancer", "Addresses of the load balancer.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Addresses of a load balancer.
package struct LoadBalancerStatus: APIValue {
    package final class Fields: FieldSet {
        package let ingress = Total<[LoadBalancerIngress]>("ingress", "The addresses.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One address of a load balancer.
package struct LoadBalancerIngress: APIValue {
    package final class Fields: FieldSet {
        package let hostname = Key<String>("hostname", "Its DNS name.")
        package let ip = Key<String>("ip", "Its address.")
        package let ipMode = Key<String>(
            "ipMode", "Whether traffic arrives with that address (VIP) or another (Proxy).", .oneOf(["VIP", "Proxy"]))
        package let ports = Total<[PortStatus]>("ports", "State of its ports.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// State of one port of a load balancer.
package struct PortStatus: APIValue {
    package final class Fields: FieldSet {
        package let error = Key<String>("error", "What is wrong with it.")
        package let port = Total<Int32>("port", "The port.", .required)
        package let `protocol` = Total<String>(
            "protocol", "Transport protocol.", .required, .oneOf(["TCP", "UDP", "SCTP"]))
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
