import APIMachinery
import JSONTree

extension Toleration {
    func faults(at path: String) -> [FieldError] {
        let key = self.key ?? ""
        let value = JSONValue.string(self.value ?? "")
        let relation = self.operator ?? ""
        var faults = key.isEmpty ? [] : CommonFaults.form(key, .qualifiedName, at: path + ".key")
        if key.isEmpty, relation != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\""
            faults.append(.invalid(path + ".operator", .string(relation), why))
        }
        if self.tolerationSeconds != nil, self.effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            faults.append(.invalid(path + ".effect", .string(self.effect ?? ""), why))
        }
        switch relation {
        case "Exists":
            guard value != "" else { return faults }
            let why = "value must be empty when `operator` is 'Exists'"
            return faults + [.invalid(path + ".operator", value, why)]
        case "Lt", "Gt":
            guard Int64(self.value ?? "") == nil else { return faults }
            return faults + [.invalid(path + ".value", value, "must be an integer when `operator` is '\(relation)'")]
        default: return faults + CommonFaults.form(self.value ?? "", .labelValue, at: path + ".operator")
        }
    }
}

extension Affinity {
    func faults(at path: String) -> [FieldError] {
        var faults = self.nodeAffinity?.faults(at: path + ".nodeAffinity") ?? []
        if let near = self.podAffinity {
            faults += Self.termFaults(
                near.requiredDuringSchedulingIgnoredDuringExecution,
                near.preferredDuringSchedulingIgnoredDuringExecution, at: path + ".podAffinity")
        }
        if let apart = self.podAntiAffinity {
            faults += Self.termFaults(
                apart.requiredDuringSchedulingIgnoredDuringExecution,
                apart.preferredDuringSchedulingIgnoredDuringExecution, at: path + ".podAntiAffinity")
        }
        return faults
    }

    private static func termFaults(
        _ required: [PodAffinityTerm], _ preferred: [WeightedPodAffinityTerm], at path: String
    ) -> [FieldError] {
        let first = required.enumerated().flatMap { index, term in
            term.faults(at: "\(path).requiredDuringSchedulingIgnoredDuringExecution[\(index)]")
        }
        return first
            + preferred.enumerated().flatMap { index, weighted in
                let path = "\(path).preferredDuringSchedulingIgnoredDuringExecution[\(index)]"
                return weightFaults(weighted.weight, at: path)
                    + weighted.podAffinityTerm.faults(at: path + ".podAffinityTerm")
            }
    }

    fileprivate static func weightFaults(_ weight: Int32, at path: String) -> [FieldError] {
        (1...100).contains(weight)
            ? [] : [.invalid(path + ".weight", .integer(Int64(weight)), "must be in the range 1-100")]
    }
}

extension NodeAffinity {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        let required = self.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
        for (index, term) in required.enumerated() {
            faults += term.faults(
                at: "\(path).requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[\(index)]",
                checksValues: true)
        }
        for (index, term) in self.preferredDuringSchedulingIgnoredDuringExecution.enumerated() {
            let path = "\(path).preferredDuringSchedulingIgnoredDuringExecution[\(index)]"
            faults += Affinity.weightFaults(term.weight, at: path)
            // A preference that no node can meet does no harm.
            faults += term.preference.faults(at: path + ".preference", checksValues: false)
        }
        return faults
    }
}

extension NodeSelectorTerm {
    fileprivate func faults(at path: String, checksValues: Bool) -> [FieldError] {
        let labels = self.matchExpressions.enumerated().flatMap {
            $1.faults(at: "\(path).matchExpressions[\($0)]", checksValues: checksValues)
        }
        return labels + self.matchFields.enumerated().flatMap { $1.fieldFaults(at: "\(path).matchFields[\($0)]") }
    }
}

extension NodeSelectorRequirement {
    fileprivate func faults(at path: String, checksValues: Bool) -> [FieldError] {
        let values = self.values
        let place = path + ".values"
        var faults: [FieldError] = []
        switch self.operator {
        case "In", "NotIn":
            if values.isEmpty {
                faults.append(.required(place, "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                faults.append(.forbidden(place, why))
            }
        default:
            if values.count != 1 {
                faults.append(.required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
            }
        }
        faults += CommonFaults.form(self.key, .qualifiedName, at: path + ".key")
        guard checksValues else { return faults }
        return faults
            + values.enumerated().flatMap { CommonFaults.form($1, .labelValue, at: "\(place)[\($0)]") }
    }

    /// A node can be told by its name alone.
    fileprivate func fieldFaults(at path: String) -> [FieldError] {
        let values = self.values
        var faults: [FieldError] = []
        if !["In", "NotIn"].contains(self.operator) {
            faults.append(.invalid(path + ".operator", .string(self.operator), "not a valid selector operator"))
        } else if values.count != 1 {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            faults.append(.required(path + ".values", why))
        }
        guard self.key == "metadata.name" else {
            return faults + [.invalid(path + ".key", .string(self.key), "not a valid field selector key")]
        }
        return faults
            + values.enumerated().flatMap { CommonFaults.form($1, .dnsSubdomain, at: "\(path).values[\($0)]") }
    }
}

extension PodAffinityTerm {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults = self.labelSelector?.faults(at: path + ".labelSelector") ?? []
        faults += self.namespaceSelector?.faults(at: path + ".namespaceSelector") ?? []
        faults += self.namespaces.flatMap { CommonFaults.form($0, .dnsLabel, at: path + ".namespaces") }
        for (field, keys) in [("matchLabelKeys", self.matchLabelKeys), ("mismatchLabelKeys", self.mismatchLabelKeys)] {
            faults += LabelKeys.faults(keys, self.labelSelector, at: "\(path).\(field)")
        }
        let mismatched = Set(self.mismatchLabelKeys)
        for (index, key) in self.matchLabelKeys.enumerated() where mismatched.contains(key) {
            let why = "exists in both matchLabelKeys and mismatchLabelKeys"
            faults.append(.invalid("\(path).matchLabelKeys[\(index)]", .string(key), why))
        }
        return faults
    }
}

/// Labels of a pod whose values select others like it.
private enum LabelKeys {
    static func faults(_ keys: [String], _ selector: LabelSelector?, at path: String) -> [FieldError] {
        guard !keys.isEmpty else { return [] }
        guard selector != nil else { return [.forbidden(path, "must not be specified when labelSelector is not set")] }
        return keys.enumerated().flatMap { CommonFaults.form($1, .qualifiedName, at: "\(path)[\($0)]") }
    }
}

extension TopologySpreadConstraint {
    func faults(at path: String, before others: some Sequence<TopologySpreadConstraint>) -> [FieldError] {
        var faults: [FieldError] = []
        if self.maxSkew <= 0 {
            faults.append(.invalid(path + ".maxSkew", .integer(Int64(self.maxSkew)), "must be greater than zero"))
        }
        if others.contains(where: {
            $0.topologyKey == self.topologyKey && $0.whenUnsatisfiable == self.whenUnsatisfiable
        }) {
            let pair = JSONValue.string("{\(self.topologyKey), \(self.whenUnsatisfiable)}")
            faults.append(.duplicate(path + ".{topologyKey, whenUnsatisfiable}", pair))
        }
        if let least = self.minDomains {
            let value = JSONValue.integer(Int64(least))
            if least <= 0 { faults.append(.invalid(path + ".minDomains", value, "must be greater than zero")) }
            if self.whenUnsatisfiable != "DoNotSchedule" {
                let why = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(self.whenUnsatisfiable)"
                faults.append(.invalid(path + ".minDomains", value, why))
            }
        }
        faults += LabelKeys.faults(self.matchLabelKeys, self.labelSelector, at: path + ".matchLabelKeys")
        let selected = Set((self.labelSelector?.matchLabels ?? [:]).keys)
            .union((self.labelSelector?.matchExpressions ?? []).map { $0.key })
        for (index, key) in self.matchLabelKeys.enumerated() where selected.contains(key) {
            let why = "exists in both matchLabelKeys and labelSelector"
            faults.append(.invalid("\(path).matchLabelKeys[\(index)]", .string(key), why))
        }
        return faults + (self.labelSelector?.faults(at: path + ".labelSelector") ?? [])
    }
}
