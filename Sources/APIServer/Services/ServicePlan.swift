import APIMachinery
import JSONTree

/// The spec of a service on its way to having all its addresses and ports. A value: the pools it takes from are passed in.
struct ServicePlan: Sendable {
    private(set) var spec: JSONObject
    private let old: JSONObject?
    private let network: IPv4Network
    /// Taken from the pools by this plan, as offsets and numbers.
    private(set) var takenAddresses: Set<Int> = []
    private(set) var takenPorts: Set<Int> = []

    init(_ object: JSONObject, old: JSONObject?, network: IPv4Network) {
        spec = object["spec"]?.object ?? JSONObject()
        self.old = old?["spec"]?.object
        self.network = network
    }

    private var type: String { spec["type"]?.string ?? "ClusterIP" }

    private var needsNodePorts: Bool {
        type == "NodePort" || type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"]?.bool ?? true
    }

    mutating func allocateAddress(from pool: inout NumberPool) -> [FieldError] {
        guard type != "ExternalName" else { return [] }
        let faults = familyFaults
        guard faults.isEmpty else { return faults }
        let before = old?["clusterIP"]?.string ?? ""
        var wanted = spec["clusterIP"]?.string ?? ""
        if wanted.isEmpty { wanted = spec["clusterIPs"]?.array?.first?.string ?? "" }
        if wanted.isEmpty { wanted = before }
        if !before.isEmpty, wanted != before {
            return [.invalid("spec.clusterIPs[0]", [.string(wanted)], "may not change once set")]
        }
        if wanted != "None", wanted.isEmpty || before.isEmpty {
            let (address, problem) = take(wanted, from: &pool)
            if let problem { return [problem] }
            wanted = address
        }
        spec["clusterIP"] = .string(wanted)
        spec["clusterIPs"] = [.string(wanted)]
        if spec["ipFamilies"]?.array?.isEmpty ?? true { spec["ipFamilies"] = ["IPv4"] }
        if spec["ipFamilyPolicy"]?.string ?? "" == "" { spec["ipFamilyPolicy"] = "SingleStack" }
        return []
    }

    /// The cluster has IPv4 alone.
    private var familyFaults: [FieldError] {
        var faults: [FieldError] = []
        for (index, family) in (spec["ipFamilies"]?.array ?? []).enumerated() where family != "IPv4" {
            faults.append(.invalid("spec.ipFamilies[\(index)]", family, "not configured on this cluster"))
        }
        if spec["ipFamilyPolicy"] == "RequireDualStack" {
            faults.append(
                .invalid(
                    "spec.ipFamilyPolicy", "RequireDualStack",
                    "this cluster is not configured for dual-stack services"))
        }
        return faults
    }

    /// `wanted` is "" for any.
    private mutating func take(_ wanted: String, from pool: inout NumberPool) -> (String, FieldError?) {
        let field = "spec.clusterIPs"
        let offset: Int
        if wanted.isEmpty {
            guard let next = pool.takeNext() else {
                return ("", FieldError(.internalError, field, "the range \(network) of service addresses is used up"))
            }
            offset = next
        } else {
            guard let address = IPv4Address(wanted), let named = network.offset(of: address), pool.range.contains(named)
            else {
                return ("", .invalid(field, .string(wanted), "the provided IP is not in the valid range \(network)"))
            }
            guard pool.take(named) else {
                return (
                    "",
                    .invalid(
                        field, .string(wanted), "failed to allocate IP \(wanted): provided IP is already allocated")
                )
            }
            offset = named
        }
        takenAddresses.insert(offset)
        return (network[offset]?.description ?? "", nil)
    }

    /// `held`: the ports that the service has had so far.
    mutating func allocatePorts(from pool: inout NumberPool, held: Set<Int>) -> [FieldError] {
        guard var ports = spec["ports"]?.array else { return [] }
        var errors: [FieldError] = []
        var mine = held
        for index in ports.indices {
            guard var port = ports[index].object else { continue }
            let field = "spec.ports[\(index)].nodePort"
            let wanted = Int(clamping: port["nodePort"]?.integer ?? 0)
            // A load balancer without node ports still gets those that it names.
            if needsNodePorts || type == "LoadBalancer" && wanted != 0 {
                switch Self.node(
                    port: wanted == 0 ? previous(port) : wanted, from: &pool, mine: &mine, taken: &takenPorts)
                {
                case .success(let number): port["nodePort"] = .integer(Int64(number))
                case .failure(.used):
                    errors.append(.invalid(field, .integer(Int64(wanted)), "provided port is already allocated"))
                case .failure(.outside):
                    let range = "\(pool.range.lowerBound)-\(pool.range.upperBound - 1)"
                    errors.append(
                        .invalid(
                            field, .integer(Int64(wanted)),
                            "provided port is not in the valid range. The range of valid ports is \(range)"))
                case .failure(.none): errors.append(FieldError(.internalError, field, "no node port is left"))
                }
            }
            ports[index] = .object(port)
        }
        spec["ports"] = .array(ports)
        return errors
    }

    private enum PortProblem: Error { case used, outside, none }

    private static func node(
        port wanted: Int, from pool: inout NumberPool, mine: inout Set<Int>, taken: inout Set<Int>
    ) -> Result<Int, PortProblem> {
        let number: Int
        if wanted == 0 {
            guard let next = pool.takeNext() else { return .failure(.none) }
            number = next
            taken.insert(number)
        } else if mine.contains(wanted) {
            // The same number again, for another protocol.
            return .success(wanted)
        } else {
            guard pool.range.contains(wanted) else { return .failure(.outside) }
            guard pool.take(wanted) else { return .failure(.used) }
            number = wanted
            taken.insert(number)
        }
        mine.insert(number)
        return .success(number)
    }

    /// The node port that the same port had before, 0 where there was none.
    private func previous(_ port: JSONObject) -> Int {
        let match = old?["ports"]?.array?.first {
            $0["port"] == port["port"] && $0["protocol"]?.string ?? "TCP" == port["protocol"]?.string ?? "TCP"
        }
        return Int(clamping: match?["nodePort"]?.integer ?? 0)
    }
}
