import Linux

/// What the configuration leaves open, decided from the machine.
struct ResolvedNode: Sendable, Hashable {
    var name: String
    var address: String
    /// The cluster address of the `kubernetes` Service: the first of the service network.
    var apiServiceAddress: String

    init(_ configuration: DaemonConfiguration) throws(DaemonError) {
        name = configuration.nodeName.isEmpty ? Machine.hostname : configuration.nodeName
        address = configuration.nodeAddress.isEmpty ? Machine.routedAddress ?? "127.0.0.1" : configuration.nodeAddress
        guard let network = IPv4Network(configuration.serviceNetwork) else {
            throw DaemonError(
                "service-cidr must be an IPv4 network such as 10.43.0.0/16, not \"\(configuration.serviceNetwork)\"")
        }
        apiServiceAddress = IPv4Address(network.address.value &+ 1).description
    }
}
