import APIMachinery
import KubernetesAPI

/// A pod as a service sees it.
struct ServiceBackend: Sendable, Hashable {
    let addresses: [String]
    let nodeName: String?
    let hostname: String?
    let zone: String?
    let target: ObjectReference
    /// The service's ports as numbers of this pod; a port whose name the pod does not know is left out.
    let ports: [EndpointPort]
    let isReady: Bool
    let isServing: Bool
    let isTerminating: Bool

    /// nil where the pod has no address of the family, or ended.
    init?(_ pod: Pod, of service: Service, family: String, zone: String?) {
        let status = pod.status
        let all = status.podIPs.map { $0.ip } + (status.podIP.map { [$0] } ?? [])
        let fitting = all.filter { $0.contains(":") == (family == "IPv6") }
        guard let first = fitting.first, !first.isEmpty, !pod.isFinished else { return nil }
        addresses = [first]
        nodeName = pod.spec.nodeName
        let isNamed = !(pod.spec.hostname ?? "").isEmpty && pod.spec.subdomain == service.metadata.name
        hostname = isNamed && pod.metadata.namespace == service.metadata.namespace ? pod.spec.hostname : nil
        self.zone = zone
        target = ObjectReference {
            $0.kind = "Pod"
            $0.namespace = pod.metadata.namespace
            $0.name = pod.metadata.name
            $0.uid = pod.metadata.uid
        }
        ports = service.spec.ports.compactMap { Self.port($0, of: pod) }
        isServing = pod.isReady
        isTerminating = pod.metadata.deletionTimestamp != nil
        isReady = service.spec.publishNotReadyAddresses || isServing && !isTerminating
    }

    private static func port(_ port: ServicePort, of pod: Pod) -> EndpointPort? {
        guard let number = number(port, of: pod) else { return nil }
        return EndpointPort {
            $0.name = port.name ?? ""
            $0.protocol = port.protocol
            $0.port = number
            $0.appProtocol = port.appProtocol
        }
    }

    private static func number(_ port: ServicePort, of pod: Pod) -> Int32? {
        switch port.targetPort {
        case nil: return port.port
        case .integer(let number): return number
        case .string(let name):
            let sidecars = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
            return (pod.spec.containers + sidecars).lazy.flatMap { $0.ports }
                .first { $0.name == name && $0.protocol == port.protocol }?.containerPort
        }
    }

    var endpoint: Endpoint {
        Endpoint {
            $0.addresses = addresses
            $0.conditions = EndpointConditions {
                $0.ready = isReady
                $0.serving = isServing
                $0.terminating = isTerminating
            }
            $0.nodeName = nodeName
            $0.hostname = hostname
            $0.zone = zone
            $0.targetRef = target
        }
    }
}
