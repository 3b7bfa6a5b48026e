import Linux

/// What the configuration leaves open, decided from the machine.
struct ResolvedNode: Sendable, Hashable {
    var name: String
    var address: String
    /// False where the address is a guess: none is set, and no route says which one is meant.
    var hasRoute: Bool
    /// The cluster address of the `kubernetes` Service: the first of the service network.
    var apiServiceAddress: String

    /// Where the API server reaches this node's agent over the network; nil where it is in the same process.
    var agentPort: Int32?

    /// - Parameter towards: an address that says which of this machine's own is meant, by the way there; a name says nothing.
    init(_ configuration: DaemonConfiguration, towards: String? = nil) throws(DaemonError) {
        name = configuration.nodeName.isEmpty ? Machine.hostname : configuration.nodeName
        let known = Self.address(configuration, towards: towards)
        hasRoute = known != nil
        address = known ?? "127.0.0.1"
        let network = try IPv4Network(configuration.serviceNetwork, of: "service-cidr")
        apiServiceAddress = IPv4Address(network.address.value &+ 1).description
    }

    /// This node's address for others; nil where none is set, and no route says which one is meant.
    static func address(_ configuration: DaemonConfiguration, towards: String?) -> String? {
        guard configuration.nodeAddress.isEmpty else { return configuration.nodeAddress }
        return towards.flatMap { Machine.routedAddress(to: $0) } ?? Machine.routedAddress()
    }
}
