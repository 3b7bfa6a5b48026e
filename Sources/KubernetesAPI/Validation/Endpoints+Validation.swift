import APIMachinery
import JSONTree

extension EndpointSlice {
    static func faults(new: EndpointSlice, old: EndpointSlice?) -> [FieldError] {
        let isOfServer = ServerEndpoints.areNamed(new.metadata)
        return new.endpoints.enumerated().flatMap {
            $1.faults(at: "endpoints[\($0)]", addressType: new.addressType, mayBeLocal: isOfServer)
        } + new.portFaults()
    }

    private func portFaults() -> [FieldError] {
        var names: Set<String> = []
        return self.ports.enumerated().flatMap { index, port in
            let path = "ports[\(index)]"
            var faults = port.name.isEmpty ? [] : CommonFaults.form(port.name, .dnsLabel, at: path + ".name")
            if !names.insert(port.name).inserted { faults.append(.duplicate(path + ".name", .string(port.name))) }
            if let application = port.appProtocol {
                faults += CommonFaults.form(application, .qualifiedName, at: path + ".appProtocol")
            }
            return faults
        }
    }
}

/// The API server's own address is what it listens at, on a machine without a network too.
private enum ServerEndpoints {
    static func areNamed(_ metadata: ObjectMeta) -> Bool {
        metadata.namespace == "default" && metadata.name == "kubernetes"
    }
}

extension Endpoint {
    private static let maxTopologyLabels = 16

    fileprivate func faults(at path: String, addressType: String, mayBeLocal: Bool) -> [FieldError] {
        var faults = self.addresses.enumerated().flatMap { index, address in
            mayBeLocal ? [] : Self.faults(address, addressType, at: "\(path).addresses[\(index)]")
        }
        let labels = self.deprecatedTopology
        if labels.count > Self.maxTopologyLabels {
            faults.append(.tooMany(path + ".deprecatedTopology", labels.count, Self.maxTopologyLabels))
        }
        faults += CommonFaults.labels(labels, at: path + ".deprecatedTopology")
        if let node = self.nodeName { faults += CommonFaults.form(node, .dnsSubdomain, at: path + ".nodeName") }
        return faults
    }

    private static func faults(_ address: String, _ type: String, at path: String) -> [FieldError] {
        let isOfType =
            switch type {
            case "IPv4": IPText.isVersion4(address)
            case "IPv6": IPText.isVersion6(address)
            default: true
            }
        guard isOfType else { return [.invalid(path, .string(address), "must be a valid \(type) address")] }
        guard type == "FQDN" else { return CommonFaults.ordinaryAddress(address, at: path) }
        let name = address.hasSuffix(".") ? String(address.dropLast()) : address
        if name.isEmpty { return [.required(path)] }
        if let why = Rule.Format.dnsSubdomain.mismatch(name) { return [.invalid(path, .string(name), why)] }
        guard name.contains(".") else {
            let why = "should be a domain with at least two segments separated by dots"
            return [.invalid(path, .string(name), why)]
        }
        return []
    }
}

extension Endpoints {
    static func faults(new: Endpoints, old: Endpoints?) -> [FieldError] {
        let isOfServer = ServerEndpoints.areNamed(new.metadata)
        return new.subsets.enumerated().flatMap { $1.faults(at: "subsets[\($0)]", mayBeLocal: isOfServer) }
    }
}

extension EndpointSubset {
    fileprivate func faults(at path: String, mayBeLocal: Bool) -> [FieldError] {
        let lists = [("addresses", self.addresses), ("notReadyAddresses", self.notReadyAddresses)]
        var faults: [FieldError] = []
        if lists.allSatisfy({ $0.1.isEmpty }) {
            faults.append(.required(path, "must specify `addresses` or `notReadyAddresses`"))
        }
        for (field, addresses) in lists {
            for (index, address) in addresses.enumerated() {
                let path = "\(path).\(field)[\(index)]"
                if let node = address.nodeName {
                    faults += CommonFaults.form(node, .dnsSubdomain, at: path + ".nodeName")
                }
                if !mayBeLocal { faults += CommonFaults.ordinaryAddress(address.ip, at: path + ".ip") }
            }
        }
        let ports = self.ports
        for (index, port) in ports.enumerated() {
            let path = "\(path).ports[\(index)]"
            let name = port.name ?? ""
            if name.isEmpty {
                if ports.count > 1 { faults.append(.required(path + ".name")) }
            } else {
                faults += CommonFaults.form(name, .dnsLabel, at: path + ".name")
            }
            if let application = port.appProtocol {
                faults += CommonFaults.form(application, .qualifiedName, at: path + ".appProtocol")
            }
        }
        return faults
    }
}
