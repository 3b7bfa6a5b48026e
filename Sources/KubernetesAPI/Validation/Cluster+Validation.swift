import APIMachinery
import JSONTree

extension Node {
    static func faults(new: Node, old: Node?) -> [FieldError] {
        var faults = new.taintFaults() + new.networkFaults()
        guard let old else { return faults }
        if !old.spec.podCIDRs.isEmpty, new.spec.podCIDRs != old.spec.podCIDRs {
            faults.append(.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"))
        }
        if let provider = old.spec.providerID, !provider.isEmpty, new.spec.providerID != provider {
            faults.append(
                .forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid"))
        }
        if new.spec.externalID ?? "" != old.spec.externalID ?? "" {
            faults.append(.forbidden("spec.externalID", "may not be updated"))
        }
        return faults
    }

    private func taintFaults() -> [FieldError] {
        var seen: Set<String> = []
        return self.spec.taints.enumerated().compactMap { index, taint in
            guard !seen.insert("\(taint.key):\(taint.effect)").inserted else { return nil }
            return .duplicate("spec.taints[\(index)]", taint.json, "taints must be unique by key and effect pair")
        }
    }

    private func networkFaults() -> [FieldError] {
        let networks = self.spec.podCIDRs
        let path = "spec.podCIDRs"
        let faults = networks.enumerated().flatMap { CommonFaults.form($1, .cidr, at: "\(path)[\($0)]") }
        guard networks.count > 1, networks.count(where: { $0.contains(":") }) != 1 || networks.count > 2 else {
            return faults
        }
        return faults + [.invalid(path, networks.json, "may specify no more than one CIDR for each IP family")]
    }
}

extension Namespace {
    static func statusFaults(new: Namespace, old: Namespace) -> [FieldError] {
        let isEnding = new.metadata.deletionTimestamp != nil
        let phase = isEnding ? "Terminating" : "Active"
        guard new.status.phase != phase else { return [] }
        return [
            .invalid(
                "status.Phase", .string(new.status.phase ?? ""),
                "may only be '\(phase)' if `deletionTimestamp` is \(isEnding ? "not " : "")empty")
        ]
    }
}

extension Lease {
    static func faults(new: Lease, old: Lease?) -> [FieldError] {
        let spec = new.spec
        var faults: [FieldError] = []
        if let seconds = spec.leaseDurationSeconds, seconds <= 0 {
            faults.append(
                .invalid("spec.leaseDurationSeconds", .integer(Int64(seconds)), "must be greater than 0"))
        }
        if spec.preferredHolder ?? "" != "", spec.strategy ?? "" == "" {
            faults.append(.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"))
        }
        return faults
    }
}
