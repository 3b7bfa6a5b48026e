import APIMachinery
import JSONTree

extension Service {
    static func faults(new: Service, old: Service?) -> [FieldError] {
        let spec = new.spec
        let changes = old.map { spec.changeFaults(from: $0.spec) } ?? []
        return changes + spec.typeFaults() + spec.portFaults()
            + CommonFaults.labels(spec.selector, at: "spec.selector")
            + spec.affinityFaults() + spec.addressFaults() + spec.nodePortFaults() + spec.balancerFaults()
            + spec.trafficFaults()
    }
}

extension ServiceSpec {
    fileprivate var isHeadless: Bool { self.clusterIPs == ["None"] || self.clusterIP == "None" }

    fileprivate func typeFaults() -> [FieldError] {
        var faults: [FieldError] = []
        if self.ports.isEmpty, !isHeadless, self.type != "ExternalName" { faults.append(.required("spec.ports")) }
        switch self.type {
        case "LoadBalancer", "NodePort":
            guard isHeadless else { return faults }
            let why = "may not be set to 'None' for \(self.type) services"
            return faults + [.invalid("spec.clusterIPs[0]", "None", why)]
        case "ExternalName":
            let isAddressed = !self.clusterIPs.isEmpty || self.clusterIP ?? "" != ""
            let given = [
                ("clusterIPs", isAddressed), ("ipFamilies", !self.ipFamilies.isEmpty),
                ("ipFamilyPolicy", self.ipFamilyPolicy != nil),
            ]
            for (field, isGiven) in given where isGiven {
                faults.append(.forbidden("spec.\(field)", "may not be set for ExternalName services"))
            }
            var name = self.externalName ?? ""
            if name.hasSuffix(".") { name.removeLast() }
            if name.isEmpty { return faults + [.required("spec.externalName")] }
            return faults + CommonFaults.form(name, .dnsSubdomain, at: "spec.externalName")
        default: return faults
        }
    }

    fileprivate func portFaults() -> [FieldError] {
        let ports = self.ports
        var names: Set<String> = []
        return ports.enumerated().flatMap { index, port in
            let path = "spec.ports[\(index)]"
            let name = port.name ?? ""
            var faults: [FieldError] = []
            if name.isEmpty, ports.count > 1 { faults.append(.required(path + ".name")) }
            if !name.isEmpty, !names.insert(name).inserted {
                faults.append(.duplicate(path + ".name", .string(name)))
            }
            if let target = port.targetPort { faults += CommonFaults.port(target, at: path + ".targetPort") }
            if let application = port.appProtocol {
                faults += CommonFaults.form(application, .qualifiedName, at: path + ".appProtocol")
            }
            return faults
        }
    }

    fileprivate func affinityFaults() -> [FieldError] {
        guard self.sessionAffinity == "ClientIP", let seconds = self.sessionAffinityConfig?.clientIP?.timeoutSeconds,
            !(1...86_400).contains(seconds)
        else { return [] }
        return [
            .invalid(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds", .integer(Int64(seconds)),
                "must be greater than 0 and less than 86400")
        ]
    }

    fileprivate func addressFaults() -> [FieldError] {
        var faults: [FieldError] = []
        if self.type != "ExternalName" {
            let (address, all) = (self.clusterIP ?? "", self.clusterIPs)
            if let first = all.first, first != address {
                let why =
                    address.isEmpty
                    ? "must be empty when `clusterIP` is not specified" : "first value must match `clusterIP`"
                faults.append(.invalid("spec.clusterIPs", all.json, why))
            }
            if all.first == "None", all.count > 1 {
                faults.append(.invalid("spec.clusterIPs", all.json, "'None' must be the first and only value"))
            }
            for (index, address) in all.enumerated() where index > 0 || address != "None" {
                faults += CommonFaults.form(address, .ip, at: "spec.clusterIPs[\(index)]")
            }
        }
        return faults
            + self.externalIPs.enumerated().flatMap {
                CommonFaults.ordinaryAddress($1, at: "spec.externalIPs[\($0)]")
            }
    }

    fileprivate func nodePortFaults() -> [FieldError] {
        var taken: Set<String> = []
        var faults: [FieldError] = []
        for (index, port) in self.ports.enumerated() {
            guard let node = port.nodePort, node != 0 else { continue }
            let path = "spec.ports[\(index)].nodePort"
            if self.type == "ClusterIP" {
                faults.append(.forbidden(path, "may not be used when `type` is 'ClusterIP'"))
            }
            if !taken.insert("\(node)/\(port.protocol)").inserted {
                faults.append(.duplicate(path, .integer(Int64(node))))
            }
        }
        return faults
    }

    fileprivate func balancerFaults() -> [FieldError] {
        var faults: [FieldError] = []
        let ranges = self.loadBalancerSourceRanges
        let given = [
            ("LoadBalancerSourceRanges", !ranges.isEmpty),
            ("allocateLoadBalancerNodePorts", self.allocateLoadBalancerNodePorts != nil),
            ("loadBalancerClass", self.loadBalancerClass != nil),
        ]
        for (field, isGiven) in given where isGiven && self.type != "LoadBalancer" {
            faults.append(.forbidden("spec.\(field)", "may only be used when `type` is 'LoadBalancer'"))
        }
        for (index, range) in ranges.enumerated() {
            let text = String(range.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            faults += CommonFaults.form(text, .cidr, at: "spec.LoadBalancerSourceRanges[\(index)]")
        }
        return faults
    }

    fileprivate func trafficFaults() -> [FieldError] {
        var faults: [FieldError] = []
        if let policy = self.externalTrafficPolicy, !isReachedFromOutside {
            let why = "may only be set for externally-accessible services"
            faults.append(.invalid("spec.externalTrafficPolicy", .string(policy), why))
        }
        if let port = self.healthCheckNodePort, port != 0, !needsHealthCheck {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            faults.append(.invalid("spec.healthCheckNodePort", .integer(Int64(port)), why))
        }
        return faults
    }

    fileprivate func changeFaults(from old: ServiceSpec) -> [FieldError] {
        var faults: [FieldError] = []
        let (before, after) = (old.clusterIPs, self.clusterIPs)
        if self.type != "ExternalName", old.type != "ExternalName", let first = before.first, first != after.first {
            let why = after.isEmpty ? "primary clusterIP can not be unset" : "may not change once set"
            faults.append(.invalid("spec.clusterIPs[0]", after.json, why))
        }
        if self.type == "LoadBalancer", old.type == "LoadBalancer", self.loadBalancerClass != old.loadBalancerClass {
            let value = self.loadBalancerClass.map { JSONValue.string($0) } ?? .null
            faults.append(.invalid("spec.loadBalancerClass", value, "may not change once set"))
        }
        if needsHealthCheck, old.needsHealthCheck, self.healthCheckNodePort != old.healthCheckNodePort {
            faults.append(.forbidden("spec.healthCheckNodePort", "field is immutable"))
        }
        return faults
    }
}
