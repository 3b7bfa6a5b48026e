import APIMachinery
import JSONTree

extension Deployment {
    static func faults(new: Deployment, old: Deployment?) -> [FieldError] {
        let spec = new.spec
        var faults = TemplateFaults.faults(spec.selector, spec.template, of: "deployment")
        faults += spec.strategyFaults()
        if spec.progressDeadlineSeconds <= spec.minReadySeconds {
            faults.append(
                .invalid(
                    "spec.progressDeadlineSeconds", .integer(Int64(spec.progressDeadlineSeconds)),
                    "must be greater than minReadySeconds"))
        }
        return faults
    }
}

extension ReplicaSet {
    static func faults(new: ReplicaSet, old: ReplicaSet?) -> [FieldError] {
        TemplateFaults.faults(new.spec.selector, new.spec.template, of: "replica set")
    }
}

extension DeploymentSpec {
    fileprivate func strategyFaults() -> [FieldError] {
        let strategy = self.strategy
        guard strategy.type == "RollingUpdate" else {
            guard strategy.rollingUpdate != nil else { return [] }
            return [
                .forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is '\(strategy.type)'")
            ]
        }
        guard let bounds = strategy.rollingUpdate else {
            return [.required("spec.strategy.rollingUpdate", "this should be defaulted and never be nil")]
        }
        let path = "spec.strategy.rollingUpdate"
        var faults = Self.boundFaults(bounds.maxSurge, at: path + ".maxSurge")
        faults += Self.boundFaults(bounds.maxUnavailable, at: path + ".maxUnavailable")
        if Self.percent(bounds.maxUnavailable).map({ $0 > 100 }) ?? false {
            faults.append(
                .invalid(path + ".maxUnavailable", bounds.maxUnavailable.json, "must not be greater than 100%"))
        }
        if Self.isZero(bounds.maxSurge), Self.isZero(bounds.maxUnavailable) {
            faults.append(
                .invalid(path + ".maxUnavailable", bounds.maxUnavailable.json, "may not be 0 when `maxSurge` is 0"))
        }
        return faults
    }

    private static func boundFaults(_ bound: IntOrString, at path: String) -> [FieldError] {
        switch bound {
        case .integer(let count):
            count >= 0 ? [] : [.invalid(path, bound.json, "must be greater than or equal to 0")]
        case .string:
            percent(bound) != nil
                ? []
                : [
                    .invalid(
                        path, bound.json, "a valid percent string must be a numeric string followed by an ending '%'")
                ]
        }
    }

    private static func percent(_ bound: IntOrString) -> Int32? {
        guard let text = bound.string, text.last == "%", text.utf8.dropLast().allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int32(text.dropLast())
    }

    private static func isZero(_ bound: IntOrString) -> Bool {
        bound.integer == 0 || percent(bound) == 0
    }
}

/// Checks that workloads with a selector and a template share.
private enum TemplateFaults {
    static func faults(_ selector: LabelSelector, _ template: PodTemplateSpec, of kind: String) -> [FieldError] {
        let path = "spec.template"
        var faults = selector.faults(at: "spec.selector")
        let labels = template.metadata.labels
        if selector.matchLabels.isEmpty, selector.matchExpressions.isEmpty {
            faults.append(.invalid("spec.selector", selector.json, "empty selector is invalid for \(kind)"))
        } else if !selector.matches(labels) {
            faults.append(
                .invalid(path + ".metadata.labels", labels.json, "`selector` does not match template `labels`"))
        }
        faults += template.faults(at: path)
        let policy = template.spec.restartPolicy
        if policy != "Always" {
            faults.append(.notSupported(path + ".spec.restartPolicy", .string(policy), ["Always"]))
        }
        if template.spec.activeDeadlineSeconds != nil {
            faults.append(
                .forbidden(
                    path + ".spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"))
        }
        return faults
    }
}
