import CRI
import KubernetesAPI

/// Services as the variables by which containers found them before there was a cluster DNS: `WEB_SERVICE_HOST`, and those of Docker's links,
/// `WEB_PORT_80_TCP_ADDR`. Upstream's names and values, from its package envvars.
struct ServiceLinks: Sendable {
    /// The Services of a namespace; nil before the first list of them.
    let services: @Sendable (_ namespace: String) -> [Service]?

    /// Of the Services that are there now. Fails where they are not known yet, for a pod of the API; one of this node's manifests does not wait.
    func variables(for pod: Pod) throws(ContainerConfigError) -> [EnvironmentVariable] {
        guard pod.spec.enableServiceLinks else { return [] }
        guard let known = services(pod.metadata.namespace) ?? (pod.isStatic ? [] : nil) else {
            throw ContainerConfigError(
                message: "the namespace's services are not known yet, and are to be in the environment")
        }
        return known.flatMap(Self.variables)
    }

    /// Nothing of a service without an address of its own. Pure.
    static func variables(of service: Service) -> [EnvironmentVariable] {
        guard let address = service.spec.clusterIP, !address.isEmpty, address != "None",
            let first = service.spec.ports.first
        else { return [] }
        let name = variableName(service.metadata.name)
        var variables = [
            EnvironmentVariable("\(name)_SERVICE_HOST", address),
            EnvironmentVariable("\(name)_SERVICE_PORT", String(first.port)),
            EnvironmentVariable("\(name)_PORT", url(first, address)),
        ]
        for port in service.spec.ports {
            if let own = port.name, !own.isEmpty {
                variables.append(EnvironmentVariable("\(name)_SERVICE_PORT_\(variableName(own))", String(port.port)))
            }
            let link = "\(name)_PORT_\(port.port)_\(port.protocol.uppercased())"
            variables += [
                EnvironmentVariable(link, url(port, address)),
                EnvironmentVariable("\(link)_PROTO", port.protocol.lowercased()),
                EnvironmentVariable("\(link)_PORT", String(port.port)),
                EnvironmentVariable("\(link)_ADDR", address),
            ]
        }
        return variables
    }

    private static func url(_ port: ServicePort, _ address: String) -> String {
        "\(port.protocol.lowercased())://\(address):\(port.port)"
    }

    private static func variableName(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
