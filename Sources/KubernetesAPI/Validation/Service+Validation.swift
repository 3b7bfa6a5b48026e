import APIMachinery
import JSONTree

extension Service {
    static func faults(new: Service, old: Service?) -> [FieldError] {
        var faults = new.spec.portFaults() + new.spec.addressFaults() + new.spec.trafficFaults()
        if let old { faults += new.spec.changeFaults(from: old.spec) }
        return faults
    }
}

extension ServiceSpec {
    fileprivate var isHeadless: Bool { self.clusterIP == "None" }

    fileprivate func portFaults() -> [FieldError] {
        let ports = self.ports
        var faults: [FieldError] = []
        if ports.isEmpty, !isHeadless, self.type != "ExternalName" { faults.append(.required("spec.ports")) }
        var names: Set<String> = []
        var nodePorts: Set<String> = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            let name = port.name ?? ""
            if name.isEmpty, ports.count > 1 { faults.append(.required(path + ".name")) }
            if !name.isEmpty, !names.insert(name).inserted {
                faults.append(.duplicate(path + ".name", .string(name)))
            }
            faults += Self.targetFaults(port.targetPort, at: path + ".targetPort")
            guard let node = port.nodePort, node != 0 else { continue }
            if self.type != "NodePort", self.type != "LoadBalancer" {
                faults.append(.forbidden(path + ".nodePort", "may not be used when `type` is '\(self.type)'"))
            }
            if !nodePorts.insert("\(node)/\(port.protocol)").inserted {
                faults.append(.duplicate(path + ".nodePort", .integer(Int64(node))))
            }
        }
        return faults
    }

    private static func targetFaults(_ target: IntOrString?, at path: String) -> [FieldError] {
        switch target {
        case .integer(let number) where !(1...65_535).contains(number):
            [.invalid(path, .integer(Int64(number)), "must be between 1 and 65535, inclusive")]
        case .string(let name) where !PortName.isValid(name):
            [.invalid(path, .string(name), "must be an IANA service name: letters, digits and single '-', at most 15")]
        default: []
        }
    }

    fileprivate func addressFaults() -> [FieldError] {
        let address = self.clusterIP ?? ""
        if self.type == "ExternalName" {
            var faults: [FieldError] = []
            if !address.isEmpty {
                faults.append(.forbidden("spec.clusterIPs", "may not be set for ExternalName services"))
            }
            if self.externalName ?? "" == "" { faults.append(.required("spec.externalName")) }
            return faults
        }
        var faults: [FieldError] = []
        if isHeadless, self.type == "NodePort" || self.type == "LoadBalancer" {
            faults.append(.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(self.type) services"))
        }
        if let first = self.clusterIPs.first, first != address {
            faults.append(.invalid("spec.clusterIPs", .string(first), "first value must match `clusterIP`"))
        }
        return faults
    }

    fileprivate func trafficFaults() -> [FieldError] {
        var faults: [FieldError] = []
        if let policy = self.externalTrafficPolicy, !isReachedFromOutside {
            faults.append(
                .invalid(
                    "spec.externalTrafficPolicy", .string(policy),
                    "may only be set for externally-accessible services"))
        }
        if self.type != "LoadBalancer", !self.loadBalancerSourceRanges.isEmpty {
            faults.append(
                .forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"))
        }
        if self.type != "LoadBalancer", self.loadBalancerClass != nil {
            faults.append(.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"))
        }
        return faults
    }

    fileprivate func changeFaults(from old: ServiceSpec) -> [FieldError] {
        guard self.type != "ExternalName", old.type != "ExternalName", let before = old.clusterIPs.first,
            let after = self.clusterIPs.first, before != after
        else { return [] }
        return [
            .invalid("spec.clusterIPs[0]", .string(after), "may not change once set")
        ]
    }
}
