extension PodSpec {
    /// A port of the node that the pod takes.
    package struct HostPort: Sendable, Hashable {
        package let address: String
        package let port: Int32
        package let transport: String

        /// The same port on the same or on every address.
        package func collides(with other: HostPort) -> Bool {
            port == other.port && transport == other.transport
                && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
        }
    }

    /// Those of the containers that run on.
    package var hostPorts: [HostPort] {
        let sidecars = self.initContainers.filter { $0.restartPolicy == "Always" }
        return (self.containers + sidecars).flatMap { $0.ports }.compactMap { port in
            guard let number = port.hostPort, number > 0 else { return nil }
            let address = port.hostIP ?? ""
            return HostPort(
                address: address.isEmpty ? "0.0.0.0" : address, port: number, transport: port.protocol)
        }
    }
}
