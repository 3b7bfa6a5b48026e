import APIMachinery
import JSONTree

extension Node {
    static func faults(new: Node, old: Node?) -> [FieldError] {
        var seen: Set<String> = []
        var faults: [FieldError] = []
        for (index, taint) in new.spec.taints.enumerated() where !seen.insert("\(taint.key):\(taint.effect)").inserted {
            faults.append(.duplicate("spec.taints[\(index)]", .string("\(taint.key):\(taint.effect)")))
        }
        guard let old else { return faults }
        if !old.spec.podCIDRs.isEmpty, new.spec.podCIDRs != old.spec.podCIDRs {
            faults.append(.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"))
        }
        if let provider = old.spec.providerID, !provider.isEmpty, new.spec.providerID != provider {
            faults.append(
                .forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid"))
        }
        return faults
    }
}

extension Event {
    static func faults(new: Event, old: Event?) -> [FieldError] {
        let about = new.involvedObject.namespace ?? ""
        let isAboutCluster = about.isEmpty && ["default", "kube-system"].contains(new.metadata.namespace)
        guard old == nil, about != new.metadata.namespace, !isAboutCluster else { return [] }
        return [.invalid("involvedObject.namespace", .string(about), "does not match event.namespace")]
    }
}

extension EndpointSlice {
    static func faults(new: EndpointSlice, old: EndpointSlice?) -> [FieldError] {
        var names: Set<String> = []
        return new.ports.enumerated().compactMap { index, port in
            names.insert(port.name).inserted ? nil : .duplicate("ports[\(index)].name", .string(port.name))
        }
    }
}
