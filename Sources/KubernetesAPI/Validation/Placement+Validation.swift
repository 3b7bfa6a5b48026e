import APIMachinery
import JSONTree

extension PodSpec {
    /// Tolerations, affinity and spreading.
    func placementFaults(at path: String) -> [FieldError] {
        var faults = self.tolerations.enumerated().flatMap { $1.faults(at: "\(path).tolerations[\($0)]") }
        guard let affinity = self.affinity else { return faults }
        let path = path + ".affinity"
        if let node = affinity.nodeAffinity { faults += node.faults(at: path + ".nodeAffinity") }
        if let near = affinity.podAffinity {
            faults += termFaults(
                near.requiredDuringSchedulingIgnoredDuringExecution,
                near.preferredDuringSchedulingIgnoredDuringExecution, at: path + ".podAffinity")
        }
        if let apart = affinity.podAntiAffinity {
            faults += termFaults(
                apart.requiredDuringSchedulingIgnoredDuringExecution,
                apart.preferredDuringSchedulingIgnoredDuringExecution, at: path + ".podAntiAffinity")
        }
        return faults
    }

    private func termFaults(
        _ required: [PodAffinityTerm], _ preferred: [WeightedPodAffinityTerm], at path: String
    ) -> [FieldError] {
        let first = required.enumerated().flatMap { index, term in
            term.faults(at: "\(path).requiredDuringSchedulingIgnoredDuringExecution[\(index)]")
        }
        return first
            + preferred.enumerated().flatMap { index, weighted in
                weighted.podAffinityTerm.faults(
                    at: "\(path).preferredDuringSchedulingIgnoredDuringExecution[\(index)].podAffinityTerm")
            }
    }
}

extension Toleration {
    func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        let `operator` = self.operator ?? "Equal"
        if self.key ?? "" == "", `operator` != "Exists" {
            faults.append(
                .invalid(
                    path + ".operator", .string(`operator`),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
        }
        if `operator` == "Exists", let value = self.value, !value.isEmpty {
            faults.append(
                .invalid(path + ".operator", .string(`operator`), "value must be empty when `operator` is 'Exists'"))
        }
        if self.tolerationSeconds != nil, self.effect != "NoExecute" {
            faults.append(
                .invalid(
                    path + ".effect", .string(self.effect ?? ""),
                    "effect must be 'NoExecute' when `tolerationSeconds` is set"))
        }
        return faults
    }
}

extension NodeAffinity {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        let required = self.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
        for (index, term) in required.enumerated() {
            faults += term.faults(
                at: "\(path).requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[\(index)]")
        }
        for (index, term) in self.preferredDuringSchedulingIgnoredDuringExecution.enumerated() {
            faults += term.preference.faults(
                at: "\(path).preferredDuringSchedulingIgnoredDuringExecution[\(index)].preference")
        }
        return faults
    }
}

extension NodeSelectorTerm {
    fileprivate func faults(at path: String) -> [FieldError] {
        let labels = self.matchExpressions.enumerated().flatMap { $1.faults(at: "\(path).matchExpressions[\($0)]") }
        return labels
            + self.matchFields.enumerated().flatMap { index, field in
                let path = "\(path).matchFields[\(index)]"
                guard field.key == "metadata.name" else {
                    return [FieldError.invalid(path + ".key", .string(field.key), "not a valid field selector key")]
                }
                return field.values.count == 1
                    ? [] : [.required(path + ".values", "must be only one value when `operator` is 'In' or 'NotIn'")]
            }
    }
}

extension NodeSelectorRequirement {
    fileprivate func faults(at path: String) -> [FieldError] {
        let values = self.values
        switch self.operator {
        case "In", "NotIn":
            guard values.isEmpty else { return [] }
            return [.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'")]
        case "Exists", "DoesNotExist":
            guard !values.isEmpty else { return [] }
            return [.forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        default:
            guard values.count != 1 || values.first.flatMap({ Int64($0) }) == nil else { return [] }
            return [.required(path + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'")]
        }
    }
}

extension PodAffinityTerm {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        if self.topologyKey.isEmpty { faults.append(.required(path + ".topologyKey", "can not be empty")) }
        if let selector = self.labelSelector { faults += selector.faults(at: path + ".labelSelector") }
        if let selector = self.namespaceSelector { faults += selector.faults(at: path + ".namespaceSelector") }
        return faults
    }
}

extension LabelSelector {
    func faults(at path: String) -> [FieldError] {
        self.matchExpressions.enumerated().compactMap { index, requirement in
            let path = "\(path).matchExpressions[\(index)].values"
            let needsValues = ["In", "NotIn"].contains(requirement.operator)
            if needsValues, requirement.values.isEmpty {
                return .required(path, "must be specified when `operator` is 'In' or 'NotIn'")
            }
            if !needsValues, !requirement.values.isEmpty {
                return .forbidden(path, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
            }
            return nil
        }
    }
}
