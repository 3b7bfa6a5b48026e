import APIMachinery
import JSONTree
import KubernetesAPI
import Synchronization

/// Hands out the cluster addresses and node ports of Services. What is in use is known from the services themselves: it is read once at start-up, and every
/// write of a service passes here.
final class ServiceAllocator: Sendable {
    private struct State {
        var addresses: NumberPool
        var ports: NumberPool
    }

    let network: IPv4Network
    let nodePorts: ClosedRange<Int>
    private let state: Mutex<State>

    init(network: IPv4Network, nodePorts: ClosedRange<Int>) {
        self.network = network
        self.nodePorts = nodePorts
        // Neither the network's own address nor the last; the first is the API server's, even while its service is gone.
        let addresses = 1..<max(2, network.count - 1)
        state = Mutex(
            State(
                addresses: NumberPool(addresses, reserving: 1),
                ports: NumberPool(nodePorts.lowerBound..<nodePorts.upperBound + 1)))
    }

    /// The address of the API server's own service.
    var firstAddress: String { network[1]?.description ?? "" }

    /// Numbers that a write has taken, and those it will give back. Exactly one of `keep` and `release` is called.
    struct Reservation: Sendable {
        fileprivate var taken = Holding()
        fileprivate var dropped = Holding()
        fileprivate let allocator: ServiceAllocator?

        /// The write is done.
        func keep() { allocator?.giveBack(dropped) }
        /// The write did not happen.
        func release() { allocator?.giveBack(taken) }
    }

    fileprivate struct Holding: Sendable, Hashable {
        var addresses: Set<Int> = []
        var ports: Set<Int> = []
    }

    /// Fills in the addresses and ports that a new or changed service needs, and checks those it names.
    func reserve(_ object: inout JSONObject, old: JSONObject?, _ resource: Resource) throws(Status) -> Reservation {
        guard resource.kind.group.isEmpty, resource.kind.plural == "services" else {
            return Reservation(allocator: nil)
        }
        var plan = ServicePlan(object, old: old, network: network)
        let before = old.map { holding(of: $0) } ?? Holding()
        let errors = state.withLock { state in
            let errors =
                plan.allocateAddress(from: &state.addresses)
                + plan.allocatePorts(from: &state.ports, held: before.ports)
            guard !errors.isEmpty else { return errors }
            for number in plan.takenAddresses { state.addresses.giveBack(number) }
            for number in plan.takenPorts { state.ports.giveBack(number) }
            return errors
        }
        guard errors.isEmpty else {
            throw .invalid(group: "", kind: "Service", name: object.name, errors)
        }
        object["spec"] = .object(plan.spec)
        let after = holding(of: object)
        return Reservation(
            taken: Holding(addresses: plan.takenAddresses, ports: plan.takenPorts),
            dropped: Holding(
                addresses: before.addresses.subtracting(after.addresses), ports: before.ports.subtracting(after.ports)),
            allocator: self)
    }

    /// Gives back all that a service held which is gone.
    func release(_ object: JSONObject, _ resource: Resource) {
        guard resource.kind.group.isEmpty, resource.kind.plural == "services" else { return }
        giveBack(holding(of: object))
    }

    /// Takes the address of the API server's own service; false where another has it.
    func takeFirstAddress() -> Bool { state.withLock { $0.addresses.take(1) } }

    func giveBack(address: String) {
        guard let number = IPv4Address(address).flatMap({ network.offset(of: $0) }) else { return }
        state.withLock { $0.addresses.giveBack(number) }
    }

    /// A cluster address that is not of the network, which has changed since; nil where the service has none.
    func strayAddress(of service: JSONObject) -> IPv4Address? {
        let address = service["spec"]?["clusterIP"]?.string.flatMap { IPv4Address($0) }
        return address.flatMap { network.offset(of: $0) == nil ? $0 : nil }
    }

    /// Takes what the services that exist hold.
    func load(_ services: some Sequence<JSONObject>) {
        for service in services {
            let held = holding(of: service)
            state.withLock { state in
                for number in held.addresses { state.addresses.take(number) }
                for number in held.ports { state.ports.take(number) }
            }
        }
    }

    private func giveBack(_ holding: Holding) {
        state.withLock { state in
            for number in holding.addresses { state.addresses.giveBack(number) }
            for number in holding.ports { state.ports.giveBack(number) }
        }
    }

    private func holding(of service: JSONObject) -> Holding {
        var holding = Holding()
        let spec = service["spec"]
        let texts = [spec?["clusterIP"]?.string] + (spec?["clusterIPs"]?.array ?? []).map(\.string)
        for text in texts {
            guard let address = text.flatMap({ IPv4Address($0) }), let offset = network.offset(of: address) else {
                continue
            }
            holding.addresses.insert(offset)
        }
        for port in spec?["ports"]?.array ?? [] {
            if let number = port["nodePort"]?.integer, number > 0 { holding.ports.insert(Int(clamping: number)) }
        }
        return holding
    }
}
